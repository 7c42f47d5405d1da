// What is kept in the browser between visits: entries by key, in IndexedDB, else in localStorage, else nowhere. What
// goes together is written together, and is on disk before anything is shown of it. Of several tabs with the same
// page the newest writes; an older one is told.

class Elsewhere extends Error {}

const PATIENCE = 4000; // ms for a database that neither opens nor fails, as in some private windows

class Store {
  constructor(name) {
    this.name = name;
    this.kind = "nowhere";
    this.isCut = false; // is there more in a database that did not answer?
    this.token = String(crypto.getRandomValues(new Uint32Array(2)));
  }

  // Take over; gives the entries that are there.
  async open() {
    for (const kind of ["database", "local"]) {
      try {
        const found = kind === "database" ? await this.openDatabase() : this.openLocal();
        this.kind = kind;
        if (kind === "database") await this.takeIn(found);
        else this.isCut = localStorage.getItem(this.mark) !== null;
        return found;
      } catch {
        // the next one
      }
    }
    return new Map();
  }

  // In localStorage, that there is something in the database.
  get mark() {
    return `${this.name}/in database`;
  }

  // Into the database, and into what was `found` there, what was kept in localStorage while it did not answer. A tab that
  // still writes there is an older one.
  async takeIn(found) {
    let beside = new Map();
    try {
      localStorage.setItem(this.mark, "true");
      localStorage.setItem(`${this.name}/writer`, this.token);
      beside = this.readLocal();
    } catch {
      return; // there is no localStorage, and nothing in it
    }
    const changes = joining.changes(found, beside);
    await this.writeDatabase(changes, this.token);
    for (const [key, value] of changes) found.set(key, value);
    for (const key of beside.keys()) localStorage.removeItem(`${this.name}/${key}`);
  }

  // Each entry of `changes` by its key; null takes one away.
  async write(changes) {
    if (this.kind === "database") await this.writeDatabase(changes, this.token);
    else if (this.kind === "local") this.writeLocal(changes);
  }

  openDatabase() {
    return new Promise((done, fail) => {
      setTimeout(() => fail(new Error("no answer")), PATIENCE);
      const asked = indexedDB.open(this.name, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
      asked.onerror = () => fail(asked.error);
      asked.onsuccess = () => {
        this.database = asked.result;
        this.writeDatabase(new Map([["writer", this.token]]), null)
          .then(() => this.readDatabase())
          .then(done, fail);
      };
    });
  }

  readDatabase() {
    return new Promise((done, fail) => {
      const found = new Map();
      const cursor = this.database.transaction("kept").objectStore("kept").openCursor();
      cursor.onerror = () => fail(cursor.error);
      cursor.onsuccess = () => {
        if (!cursor.result) return done(found);
        found.set(cursor.result.key, cursor.result.value);
        cursor.result.continue();
      };
    });
  }

  // Only while `writer` is who wrote last; null is whoever it was.
  writeDatabase(changes, writer) {
    return new Promise((done, fail) => {
      let foreign = false;
      const change = this.database.transaction("kept", "readwrite", { durability: "strict" });
      const kept = change.objectStore("kept");
      const last = kept.get("writer");
      last.onsuccess = () => {
        foreign = writer !== null && last.result !== writer;
        if (foreign) return change.abort();
        for (const [key, value] of changes) value === null ? kept.delete(key) : kept.put(value, key);
      };
      change.oncomplete = () => done();
      change.onerror = () => fail(change.error);
      change.onabort = () => fail(foreign ? new Elsewhere() : change.error);
    });
  }

  openLocal() {
    localStorage.setItem(`${this.name}/writer`, this.token);
    return this.readLocal();
  }

  readLocal() {
    const found = new Map();
    for (let place = 0; place < localStorage.length; place++) {
      const key = localStorage.key(place);
      if (key.startsWith(`${this.name}/`) && key !== `${this.name}/writer` && key !== this.mark) {
        found.set(key.slice(this.name.length + 1), JSON.parse(localStorage.getItem(key)));
      }
    }
    return found;
  }

  // Not at once: rankings come first, so that what is cut off there is told from them when it is read.
  writeLocal(changes) {
    if (localStorage.getItem(`${this.name}/writer`) !== this.token) throw new Elsewhere();
    for (const [key, value] of changes) {
      if (value === null) localStorage.removeItem(`${this.name}/${key}`);
      else localStorage.setItem(`${this.name}/${key}`, JSON.stringify(value));
    }
  }
}

// The page: what is asked by key, button or drop is done one after another, and shown once it is kept.

const NOTHING = "Nothing is ranked yet: place at least one answer, judge it (+ or −), or flag it.";
const HINT = "A B C … from best to worst   ·   Shift ties   ·   X flags   ·   Enter saves   ·   S later   ·   ? keys";
const HINT_TOUCH = "Place the answers from best to worst, or drag a letter; on another one it ties.";
const HINT_TWO = "← → the better one   ·   ↓ neither   ·   Backspace takes back   ·   Enter saves   ·   ? keys";
const HINT_TWO_TOUCH = "";
const UNFINISHED = "There are questions left: answer them, or place all answers by hand.";
const ALL_ANSWERED = "Every question is answered: save the order, or take back the last answer.";
const BACK = "You ranked this while an answer that you had begun could not be read. Go on with that, or save the order as it was.";
const TO_TWO = "Two at a time";
const TO_ALL = "All at once";
const CUT = "This browser does not answer with what you did on this page before: reload it. What you do now is kept beside that, and joined with it then.";
const NOWHERE = "This browser keeps nothing of this page between visits (a private window, or a setting). Download your answers before you close it.";
const TAKEN = "This page is open in another tab or window, which goes on with it. Reload this one to go on here.";

class Page {
  constructor(pack, store, work) {
    Object.assign(this, { pack, store, work });
    this.turn = Promise.resolve();
    this.shownKey = null;
    this.began = false;
    this.askedAbout = null; // what was asked about last, before it is saved so
    this.writing = new Writing(this);
    this.cards = new Cards(work, (name, number) => this.act(name, number));
    new Drag(this.cards, (id, target) => this.drop(id, target));
    $("name").textContent = pack.name;
    document.title = `Rank for ${pack.name}`;
    this.connect();
    this.actions = {
      place: (index) => (this.work.question ? this.prefer(index) : this.place(index, order.placeLast)),
      tie: (index) => this.place(index, order.tieLast),
      toggle: (index) =>
        this.work.question
          ? this.prefer(index)
          : this.place(index, (tiers, id) => (order.rank(tiers, id) ? order.remove : order.placeLast)(tiers, id)),
      answer: (sign) => this.answer(sign),
      method: () => this.work.useMethod(this.work.draft.method === "pairwise" ? "order" : "pairwise"),
      placeSelected: () => this.place(this.cards.selected, order.placeLast),
      toRank: (rank) => this.place(this.cards.selected, (tiers, id) => order.toRank(tiers, id, rank)),
      tieUp: () => this.place(this.cards.selected, order.tieUp),
      better: () => this.place(this.cards.selected, order.better),
      worse: () => this.place(this.cards.selected, order.worse),
      remove: () => this.place(this.cards.selected, order.remove),
      takeBack: () => this.takeBack(),
      good: (index) => this.judge(index, "good"),
      bad: (index) => this.judge(index, "bad"),
      look: (criterion) => this.work.look(criterion),
      save: () => this.save(),
      later: () => this.later(),
      skip: () => this.skip(),
      unskip: () => this.work.unskip(),
      undo: () => this.replay("undo", "Undone.", "There is nothing to undo."),
      redo: () => this.replay("redo", "Done again.", "There is nothing to do again."),
    };
    // What changes nothing that is kept.
    this.looks = {
      left: () => this.cards.select(this.cards.selected - 1),
      right: () => this.cards.select(this.cards.selected + 1),
      up: () => this.cards.select(this.cards.selected - this.cards.columns),
      down: () => this.cards.select(this.cards.selected + this.cards.columns),
      flag: (index) => openFlags(this, index),
      turns: () => this.cards.toggleTurns(),
      comment: () => $("comment").focus(),
      write: () => this.writing.open(null),
      mend: (index = this.cards.selected) => this.writing.open(this.work.shown[index]),
      scrollUp: () => $("board").scrollBy(0, -0.8 * $("board").clientHeight),
      scrollDown: () => $("board").scrollBy(0, 0.8 * $("board").clientHeight),
    };
  }

  connect() {
    for (const name of ["undo", "later", "save"]) $(name).addEventListener("click", () => this.act(name));
    $("flag").addEventListener("click", () => openFlags(this));
    $("write").addEventListener("click", () => this.act("write"));
    $("method").addEventListener("click", () => this.act("method"));
    $("download").addEventListener("click", () => this.download());
    $("help-button").addEventListener("click", () => this.openHelp());
    $("rules-button").addEventListener("click", () => this.openRules($("rules").hidden, true));
    $("rules-close").addEventListener("click", () => this.openRules(false, true));
    $("comment").addEventListener("input", () => this.remark($("comment").value, this.shownKey));
    for (const close of document.querySelectorAll("[data-close]")) {
      close.addEventListener("click", () => close.closest("dialog").close());
    }
    document.addEventListener("keydown", (event) => this.key(event));
    // A press by mouse or finger leaves the keys to the board, and so does a dialog that it opened.
    document.addEventListener("click", (event) => event.detail && event.target.closest("button")?.blur());
    document.addEventListener("pointerdown", () => (this.pointed = true), true);
    for (const dialog of document.querySelectorAll("dialog")) {
      dialog.addEventListener("close", () => setTimeout(() => this.pointed && document.activeElement?.blur()));
    }
    $("flags").addEventListener("keydown", (event) => {
      event.stopPropagation(); // the dialog may be gone before the board is told of the key
      $("flags-list").querySelectorAll("button[data-digit]")[Number(event.key) - 1]?.click();
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.store.kind === "nowhere" && stateOf(this.work) !== (this.work.sent || "0/0")) event.preventDefault();
    });
    narrow.addEventListener("change", () => this.placeRemark());
    this.placeRemark();
    showSheet();
  }

  // The comment stands beside the buttons, and below the cards where the window is narrow.
  placeRemark() {
    narrow.matches ? $("board").append($("remark")) : $("tools").querySelector(".buttons").prepend($("remark"));
  }

  // One after another. What cannot be kept is done all the same, and said: the answers can still be downloaded.
  run(operation, { quiet = false } = {}) {
    this.turn = this.turn.then(async () => {
      try {
        await operation();
      } catch (error) {
        if (error instanceof Elsewhere) return this.trouble(TAKEN, true);
        if (this.store.kind === "nowhere" || (error && !(error instanceof DOMException))) throw error;
        this.store.kind = "nowhere";
        this.trouble(`What you do now is not kept in this browser (${error?.message ?? error}). Download your answers before you close the page.`);
        await operation();
      }
      if (!quiet) this.show();
    }).catch((error) => this.trouble(`Something in this page went wrong (${error?.message ?? error}). Download your answers, then reload it.`));
    return this.turn;
  }

  act(name, number) {
    if (name in ANSWERS && this.onBoard && this.work.question) return this.act("answer", ANSWERS[name]);
    if (name in this.looks) {
      if (this.onBoard) this.looks[name](number);
      return;
    }
    this.run(async () => {
      if (!this.work.current && !["undo", "redo", "unskip"].includes(name)) return;
      this.say("");
      await this.actions[name](number);
    });
  }

  get onBoard() {
    return document.body.dataset.page === "board";
  }

  key(event) {
    if (event.key === "Tab") this.pointed = false;
    if (event.key === "?" && $("help").open) return $("help").close();
    const inComment = event.target === $("comment");
    if (inComment && (event.key === "Escape" || event.key === "Enter")) {
      event.preventDefault();
      $("comment").blur();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.act("save");
      return undefined;
    }
    if (inComment || document.querySelector("dialog[open]") || this.locked) return undefined;
    const [name, number] = commandOf(event, this.cards.cards.length) ?? [];
    const onButton = event.target.closest?.("button") && (event.key === "Enter" || event.key === " ");
    if (!name || onButton) return undefined;
    const reading = event.target.closest?.("#rules-text, #still");
    if (reading && (name.startsWith("scroll") || ["up", "down"].includes(name))) return undefined;
    if (!this.onBoard && !["undo", "redo", "help"].includes(name)) return undefined;
    event.preventDefault();
    if (name === "help") this.openHelp();
    else if (name === "rules") this.openRules($("rules").hidden, true);
    else this.act(name, number);
    return undefined;
  }

  async reorder(change) {
    const changed = await this.work.change((draft) => {
      const tiers = this.work.tiers(draft);
      const after = change(tiers);
      return order.same(tiers, after) ? draft : { ...draft, orders: { ...draft.orders, [draft.criterion]: after } };
    });
    if (changed) $("spoken").textContent = this.cards.sentence;
  }

  async place(index, change) {
    this.cards.select(index);
    if (this.work.draft.method === "pairwise") return this.say(this.work.question ? UNFINISHED : ALL_ANSWERED);
    const id = this.work.shown[index];
    if (id !== undefined) await this.reorder((tiers) => change(tiers, id));
  }

  // Of the two that are asked about, this one is the better.
  async prefer(index) {
    const place = this.work.question.indexOf(this.work.shown[index]);
    if (place >= 0) await this.answer(place === 0 ? 1 : -1);
  }

  // 1 the left one is better, -1 the right one, 0 neither.
  async answer(sign) {
    const asked = this.work.question;
    if (!asked) return;
    await this.reask((answers) => [...answers, [...asked, sign]]);
    if (!this.work.question) this.say(ALL_ANSWERED);
  }

  async takeBack() {
    if (this.work.draft.method === "pairwise") await this.reask((answers) => answers.slice(0, -1));
    else await this.reorder(order.takeBack);
  }

  async reask(change) {
    await this.work.change((draft) => {
      const answers = draft.answers[draft.criterion] ?? [];
      const after = change(answers);
      return order.same(answers, after) ? draft : { ...draft, answers: { ...draft.answers, [draft.criterion]: after } };
    });
  }

  drop(id, target) {
    this.run(async () => {
      if (!this.work.shown.includes(id)) return;
      if (this.work.draft.method === "pairwise") return this.say(UNFINISHED);
      this.cards.select(this.work.shown.indexOf(id));
      await this.reorder((tiers) => {
        if (target.kind === "box") return order.remove(tiers, id);
        if (target.kind === "card") return order.tieWith(tiers, id, target.id);
        if (target.kind === "tie") return order.intoTier(tiers, id, target.index);
        return order.insert(tiers, id, target.index);
      });
    });
  }

  async judge(index = this.cards.selected, verdict) {
    this.cards.select(index);
    const id = this.cards.chosen;
    await this.work.change((draft) => {
      const { [id]: before, ...others } = draft.verdicts;
      return { ...draft, verdicts: before === verdict ? others : { ...others, [id]: verdict } };
    });
  }

  // What was typed is taken as it was then, for the item that was seen: others may wait to be done before it.
  remark(comment, key) {
    this.run(async () => {
      if (!this.work.current || this.work.key(this.work.current) !== key?.split(" ")[0]) return;
      await this.work.change((draft) => (draft.comment === comment ? draft : { ...draft, comment }), { step: false });
    });
  }

  async save() {
    const next = this.work.nextCriterion;
    if (next) {
      await this.work.look(next);
      this.say(next === this.pack.overall ? "Now the overall order." : `Now the order by: ${next}.`);
    } else if (this.work.isSaveable) {
      if (this.asks()) return;
      await this.work.save();
      $("spoken").textContent = `Saved. ${$("count").textContent}.`;
    } else {
      this.say(this.work.draft.method === "pairwise" ? UNFINISHED : NOTHING);
    }
  }

  // Ask once whether what is left behind is to stay so: cards without a place, and an answer that is begun.
  asks() {
    const { work } = this;
    const [left, texts] = [work.leftOut, work.own.begunOf(work.current.group)];
    const found = `${work.key(work.current)}:${left}:${texts}`;
    if (!(left.length || texts.length) || this.askedAbout === found) return false;
    this.askedAbout = found;
    if (left.length) {
      const letters = left.map((id) => order.letter(work.shown.indexOf(id)));
      const named = letters.length > 1 ? `${letters.slice(0, -1).join(", ")} and ${letters.at(-1)} have` : `${letters[0]} has`;
      this.cards.select(work.shown.indexOf(left[0]));
      this.say(`${named} no place and would count as worse than the rest. ${coarse.matches ? "Save" : "Enter"} again saves it so.`);
    } else this.say(LEFT_BEHIND);
    return true;
  }

  async later() {
    if (!(await this.work.putOff())) this.say("This is the last one: there is no other to go on with.");
  }

  async skip() {
    await this.work.skip();
    this.say("Skipped for good: undo brings it back.");
  }

  async replay(name, done, nothing) {
    this.say((await this.work[name]()) ? done : nothing);
  }

  openHelp() {
    $("help").open ? $("help").close() : $("help").showModal();
  }

  openRules(open, chosen) {
    $("rules").hidden = !open;
    document.body.classList.toggle("with-rules", open);
    $("rules-button").setAttribute("aria-expanded", String(open));
    if (open && chosen && narrow.matches) $("rules-close").focus();
    if (chosen && !narrow.matches) this.run(() => this.store.write(new Map([["rules", open]])));
  }

  download() {
    this.run(async () => {
      download(this.work);
      this.work.sent = stateOf(this.work);
      await this.store.write(new Map([["sent", this.work.sent]]));
      this.say("Send the file back to whoever gave you this page.");
    });
  }

  // What is there now: an item, the first page or the last one.
  show() {
    const { work } = this;
    const { done, total } = work.counted;
    $("count").textContent = `${done.toLocaleString("en")} of ${total.toLocaleString("en")} ranked`;
    $("bar").max = Math.max(1, total);
    $("bar").value = done;
    $("undo").disabled = !work.canUndo;
    $("download").classList.toggle("news", stateOf(work) !== (work.sent || "0/0"));
    const place = !this.began ? "start" : work.current ? "board" : "end";
    document.body.dataset.page = place;
    document.body.toggleAttribute("data-first", !work.rankings.length);
    if (place !== "board") {
      this.shownKey = null;
      return place === "start" ? showStart(this) : showEnd(this);
    }
    const key = `${work.key(work.current)} ${work.shown}`;
    if (key !== this.shownKey) this.cards.showItem(this.shownKey?.split(" ")[0] === key.split(" ")[0]);
    else this.cards.showOrder();
    if (key !== this.shownKey && work.draft.back) this.say(BACK);
    if (!this.word) this.say("");
    $("write").textContent = work.own.begunOf(work.current.group).length ? "Go on with your answer" : "Write an answer";
    $("method").textContent = work.draft.method === "pairwise" ? TO_ALL : TO_TWO;
    this.shownKey = key;
    return undefined;
  }

  say(sentence) {
    this.word = sentence;
    const two = this.work.current && this.work.draft.method === "pairwise";
    const hints = two ? [HINT_TWO, HINT_TWO_TOUCH] : [HINT, HINT_TOUCH];
    $("said").textContent = sentence || hints[Number(coarse.matches)];
    $("said").classList.toggle("word", Boolean(sentence));
  }

  trouble(sentence, locked = false) {
    const parts = [document.createTextNode(sentence)];
    if (locked) {
      this.locked = true;
      for (const part of document.querySelectorAll("main, aside, footer, nav, #still")) part.inert = true;
      parts.push(make("button", { text: "Reload", on: () => location.reload() }));
    }
    $("trouble").replaceChildren(...parts);
    $("trouble").hidden = false;
  }
}

async function begin() {
  const pack = JSON.parse($("pack").textContent);
  const store = new Store(`plumbline/${pack.project}/${pack.labeler.replace(/[%/]/g, encodeURIComponent)}`);
  const entries = await store.open();
  const work = new Work(pack, store);
  work.load(entries);
  const page = new Page(pack, store, work);
  await page.run(() => work.settle(), { quiet: true });
  page.began = entries.has("began") || work.rankings.length > 0;
  page.openRules(!narrow.matches && (entries.get("rules") ?? innerWidth >= 1280), false);
  page.say("");
  if (store.kind === "nowhere") page.trouble(NOWHERE);
  else if (store.isCut) page.trouble(CUT);
  page.show();
}

begin().catch((error) => {
  $("trouble").textContent = `This page cannot begin here (${error.message}): open it in a newer browser.`;
  $("trouble").hidden = false;
});

// A labeler's work on this page: what waits, what is begun, what is ranked. Each operation is on disk before its effect
// is shown. It is to the page what `core/labeling/session.py` is to the window.

const IDLE = 120; // seconds of a pause that count as work

class Work {
  constructor(pack, store) {
    this.pack = pack;
    this.store = store;
    this.rankings = [];
    this.drafts = new Map();
    this.skipped = [];
    this.asked = [];
    this.queue = [];
    this.steps = [];
    this.undone = [];
    this.sent = "";
    this.acted = performance.now();
  }

  // Take up what earlier visits left: the same item, the same order. What another page for the same labeler gave is kept.
  load(entries) {
    const order = entries.get("queue") ?? { queue: [], skipped: [], asked: [] };
    this.sent = entries.get("sent") ?? "";
    for (const key of [...entries.keys()].sort()) {
      if (key.startsWith("ranking/")) this.rankings.push(entries.get(key));
      if (key.startsWith("draft/")) this.drafts.set(key.slice(6), this.among(key.slice(6), entries.get(key)));
    }
    this.skipped = order.skipped;
    this.asked = order.asked;
    const mixed = order.queue.filter((entry) => entry.repeat_of && this.counts(entry.repeat_of));
    const known = new Map([...this.pack.queue, ...mixed].map((entry) => [this.key(entry), entry]));
    const kept = order.queue.filter((entry) => known.has(this.key(entry)));
    const all = new Map([...kept, ...known.values()].map((entry) => [this.key(entry), entry]));
    this.queue = [...all.values()].filter(
      (entry) => this.item(entry) && !this.isDone(entry) && !this.skipped.includes(this.key(entry)),
    );
    this.restart();
  }

  // What is begun of the completions that this page shows: another page may have shown others.
  among(key, draft) {
    const cards = this.pack.items[key.split("/")[0]]?.cards;
    if (!cards) return draft;
    const there = (found) => Object.fromEntries(Object.entries(found).filter(([id]) => id in cards));
    const left = (tiers) => order.whole(tiers.map((tier) => tier.filter((id) => id in cards)));
    const orders = Object.fromEntries(Object.entries(draft.orders).map(([name, tiers]) => [name, left(tiers)]));
    return { ...draft, orders, flags: there(draft.flags), verdicts: there(draft.verdicts) };
  }

  key(entry) {
    return entry.repeat_of ? `${entry.group}/${entry.repeat_of}` : `${entry.group}`;
  }

  item(entry) {
    return this.pack.items[entry.group];
  }

  get standing() {
    return this.rankings.filter((each) => !each.retracted_at);
  }

  isDone(entry) {
    const known = this.item(entry).known;
    return this.standing.some((each) =>
      entry.repeat_of
        ? each.repeat_of === entry.repeat_of
        : each.group === entry.group && !each.repeat_of && !known.includes(each.uid),
    );
  }

  counts(uid) {
    return this.pack.repeat.first.some((each) => each.uid === uid) || this.standing.some((each) => each.uid === uid);
  }

  get current() {
    return this.queue[0] ?? null;
  }

  // Ranked of how many, with those of this page alone; a repeat counts as any other.
  get counted() {
    const done = this.standing.filter((each) => this.pack.items[each.group] && !this.isEarlier(each)).length;
    return { done, total: done + this.queue.length };
  }

  isEarlier(ranking) {
    return this.pack.items[ranking.group].known.includes(ranking.uid);
  }

  get shown() {
    return this.current.repeat_of ? this.item(this.current).again : this.item(this.current).shown;
  }

  get draft() {
    return this.drafts.get(this.key(this.current)) ?? this.fresh();
  }

  get criteria() {
    return this.pack.criteria.length ? [...this.pack.criteria.map((each) => each.name), this.pack.overall] : [];
  }

  fresh() {
    const criterion = this.criteria[0] ?? this.pack.overall;
    return { orders: {}, criterion, flags: {}, flag: null, verdicts: {}, comment: "", seconds: 0, touched: false };
  }

  tiers(draft = this.draft) {
    return draft.orders[draft.criterion] ?? [];
  }

  // Is there anything in it that can be stored? A comment alone is no judgement, and what nobody touched is nobody's.
  isSaveable(draft) {
    const overall = draft.orders[this.pack.overall] ?? [];
    const judged = overall.length || draft.flag || Object.keys(draft.flags).length || Object.keys(draft.verdicts).length;
    return Boolean(draft.touched && judged);
  }

  get begun() {
    const says = (draft) =>
      this.isSaveable(draft) || draft.comment.trim() || Object.values(draft.orders).some((tiers) => tiers.length);
    const drafts = this.queue.map((entry) => this.drafts.get(this.key(entry)));
    return drafts.filter((draft) => draft && says(draft)).length;
  }

  // The next criterion that the item is not ordered by yet, while the present one is.
  get nextCriterion() {
    const draft = this.draft;
    if (!this.criteria.length || draft.flag || !this.tiers().length) return null;
    return this.criteria.find((name) => !(draft.orders[name] ?? []).length) ?? null;
  }

  restart() {
    this.acted = performance.now();
  }

  seconds(draft) {
    const now = performance.now();
    const found = draft.seconds + Math.min((now - this.acted) / 1000, IDLE);
    this.acted = now;
    return found;
  }

  // Change what is begun of the item on the table. `step` is what undo takes back by itself.
  async change(change, { step = true } = {}) {
    if (!this.current) return false;
    const [entry, before] = [this.current, this.draft];
    const changed = change(before);
    if (changed === before) return false;
    const after = { ...changed, touched: true, seconds: this.seconds(before) };
    await this.keep({ draft: [entry, after] });
    if (step) this.did({ kind: "change", entry, before, after });
    return true;
  }

  // Look at the order by another criterion; this alone is no change.
  async look(criterion) {
    await this.keep({ draft: [this.current, { ...this.draft, criterion }] });
  }

  async save() {
    const [entry, draft] = [this.current, this.draft];
    const ranking = rankingOf(this, entry, draft, this.seconds(draft));
    const queue = this.queue.slice(1);
    const repeat = this.repeatAfter(ranking);
    if (repeat) queue.splice(Math.min(queue.length, 2 + 5 * queue.filter((each) => each.repeat_of).length), 0, repeat);
    const asked = repeat ? [...this.asked, repeat.repeat_of] : this.asked;
    await this.keep({ rankings: [...this.rankings, ranking], queue, asked, draft: [entry, null] });
    this.did({ kind: "save", entry, draft, repeat, uid: ranking.uid });
    this.restart();
  }

  // As `assignments.mix_in_repeat`: after each n-th ranking one that was made a while ago; none after a repeat.
  repeatAfter(ranking) {
    const { every, after, made, first } = this.pack.repeat;
    if (!every || ranking.repeat_of) return null;
    const here = [...this.standing, ranking].filter((each) => !each.repeat_of && !each.flag && this.isNew(each));
    const count = made + here.length;
    if (ranking.flag || count % every || count <= after) return null;
    const all = [...first, ...here.map((each, place) => ({ place: made + place, group: each.group, uid: each.uid }))];
    const found = all.find((each) => each.place < count - after && !this.asked.includes(each.uid));
    return found ? { group: found.group, repeat_of: found.uid } : null;
  }

  isNew(ranking) {
    return this.pack.items[ranking.group] && !this.isEarlier(ranking);
  }

  // Later, at the end; false where nothing else waits.
  async putOff() {
    if (this.queue.length < 2) return false;
    await this.keep({ queue: [...this.queue.slice(1), this.current] });
    this.restart();
    return true;
  }

  async skip() {
    const entry = this.current;
    await this.keep({ queue: this.queue.slice(1), skipped: [...this.skipped, this.key(entry)] });
    this.did({ kind: "skip", entry });
    this.restart();
  }

  // Bring back everything that was skipped for good.
  async unskip() {
    const back = this.pack.queue.filter((entry) => this.skipped.includes(this.key(entry)));
    await this.keep({ queue: [...this.queue, ...back], skipped: [] });
    this.restart();
  }

  // Go on with what was ranked elsewhere, in the same page or another one for the same labeler.
  async takeUp(found) {
    const theirs = new Map(found.map((each) => [each.uid, each]));
    const here = new Set(this.rankings.map((each) => each.uid));
    const rankings = this.rankings.map((each) => {
      const retracted = theirs.get(each.uid)?.retracted_at;
      return retracted && !each.retracted_at ? { ...each, retracted_at: retracted } : each;
    });
    rankings.push(...found.filter((each) => !here.has(each.uid)));
    const repeated = rankings.map((each) => each.repeat_of).filter(Boolean);
    await this.keep({ rankings, asked: [...new Set([...this.asked, ...repeated])] });
    await this.keep({ queue: this.queue.filter((entry) => !this.isDone(entry)) });
  }

  did(step) {
    this.steps.push(step);
    this.undone = [];
  }

  get canUndo() {
    return this.steps.length > 0 || this.latest !== undefined;
  }

  // The last ranking that stands and can be shown here: what undo takes back after a reload.
  get latest() {
    return this.standing.findLast((each) => this.isNew(each));
  }

  async undo() {
    const step = this.steps.at(-1) ?? this.latestStep();
    if (!step) return false;
    await this.keep(this.backwards(step));
    this.steps.pop();
    this.undone.push(step);
    this.restart();
    return true;
  }

  async redo() {
    const step = this.undone.at(-1);
    if (!step) return false;
    const rest = this.queue.filter((each) => this.key(each) !== this.key(step.entry));
    this.queue = [step.entry, ...rest];
    if (step.kind === "save") {
      this.drafts.set(this.key(step.entry), step.draft);
      const undone = this.undone;
      await this.save();
      this.undone = undone;
    } else {
      await this.keep(
        step.kind === "skip"
          ? { queue: rest, skipped: [...this.skipped, this.key(step.entry)] }
          : { draft: [step.entry, this.with(step.entry, step.after)] },
      );
      this.steps.push(step);
    }
    this.undone.pop();
    return true;
  }

  latestStep() {
    const ranking = this.latest;
    if (!ranking) return null;
    const entry = { group: ranking.group, repeat_of: ranking.repeat_of };
    return { kind: "save", entry, draft: draftOf(this, ranking), repeat: null, uid: ranking.uid };
  }

  backwards(step) {
    const others = this.queue.filter((each) => this.key(each) !== this.key(step.entry));
    if (step.kind === "skip") {
      return { queue: [step.entry, ...others], skipped: this.skipped.filter((key) => key !== this.key(step.entry)) };
    }
    if (step.kind === "change") return { queue: [step.entry, ...others], draft: [step.entry, this.with(step.entry, step.before)] };
    const mixed = step.repeat ? this.key(step.repeat) : null;
    return {
      queue: [step.entry, ...others.filter((each) => this.key(each) !== mixed)],
      asked: this.asked.filter((uid) => uid !== step.repeat?.repeat_of),
      draft: [step.entry, this.drafts.get(this.key(step.entry)) ?? step.draft],
      rankings: this.rankings.map((each) => (each.uid === step.uid ? { ...each, retracted_at: now() } : each)),
    };
  }

  // Typing a comment is no step: what was said last outlives undo, and so does the time that it took.
  with(entry, draft) {
    const { comment, seconds } = this.drafts.get(this.key(entry)) ?? draft;
    return { ...draft, comment, seconds };
  }

  // Write what changes, all of it at once, then take it over.
  async keep({ draft, rankings = this.rankings, queue = this.queue, skipped = this.skipped, asked = this.asked }) {
    const changes = new Map();
    rankings.forEach((each, place) => {
      if (each !== this.rankings[place]) changes.set(`ranking/${String(place).padStart(7, "0")}`, each);
    });
    if (queue !== this.queue || skipped !== this.skipped || asked !== this.asked) {
      changes.set("queue", { queue, skipped, asked });
    }
    if (draft) changes.set(`draft/${this.key(draft[0])}`, draft[1]);
    await this.store.write(changes);
    Object.assign(this, { rankings, queue, skipped, asked });
    if (draft) draft[1] ? this.drafts.set(this.key(draft[0]), draft[1]) : this.drafts.delete(this.key(draft[0]));
  }
}

// A labeler's work on this page: what waits, what is begun, what is ranked. Each operation is on disk before its effect
// is shown. It is to the page what `core/labeling/session.py` is to the window.

const IDLE = 120; // seconds of a pause that count as work

class Work {
  constructor(pack, store) {
    this.pack = pack;
    this.store = store;
    this.method = pack.method;
    this.waiting = pack.queue.map((entry) => ({ ...entry, same: pack.items[entry.group].same }));
    this.own = new OwnAnswers(pack);
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
    this.method = entries.get("method") ?? this.method;
    this.own.load(entries);
    for (const key of [...entries.keys()].sort()) {
      if (key.startsWith("ranking/")) this.rankings.push(entries.get(key));
      if (key.startsWith("draft/")) this.drafts.set(key.slice(6), entries.get(key));
    }
    for (const [key, { again, comment }] of this.drafts) if (again) this.drafts.set(key, this.asRanked(again, comment));
    this.skipped = order.skipped;
    this.asked = order.asked;
    const mixed = order.queue.filter((entry) => entry.repeat_of && this.counts(entry.repeat_of));
    const known = new Map([...this.waiting, ...mixed].map((entry) => [this.key(entry), entry]));
    const kept = order.queue.filter((entry) => known.has(this.key(entry)));
    const all = new Map([...kept, ...known.values()].map((entry) => [this.key(entry), entry]));
    this.queue = [...all.values()].filter(
      (entry) => this.item(entry) && !this.isOver(entry) && !this.skipped.includes(this.key(entry)),
    );
    this.restart();
  }

  // Of two rankings of one prompt, as two stores or browsers have them, the later one counts, as it does at home.
  async settle() {
    const rankings = this.onePerPrompt(this.rankings);
    if (rankings.every((each, place) => each === this.rankings[place])) return;
    await this.keep({ rankings });
    await this.keep({ queue: this.queue.filter((entry) => !entry.repeat_of || this.counts(entry.repeat_of)) });
  }

  onePerPrompt(rankings) {
    const stands = (each) => !each.retracted_at && this.isNew(each);
    const key = (each) => this.key({ ...each, same: this.item(each).same });
    const last = new Map(rankings.filter(stands).map((each) => [key(each), each]));
    return rankings.map((each) => (stands(each) && last.get(key(each)) !== each ? { ...each, retracted_at: now() } : each));
  }

  key(entry) {
    return drafts.key(entry);
  }

  item(entry) {
    const found = this.pack.items[entry.group];
    return found && found.same === (entry.same ?? found.same) ? found : undefined;
  }

  get standing() {
    return this.rankings.filter((each) => !each.retracted_at);
  }

  // What was begun anew in another store is not over, though it is ranked in this one.
  isOver(entry) {
    return this.isDone(entry) && !this.drafts.get(this.key(entry))?.touched;
  }

  isDone(entry) {
    const known = this.item(entry).known;
    return this.standing.some((each) =>
      entry.repeat_of
        ? each.repeat_of === entry.repeat_of
        : each.group === entry.group && this.item(each) && !each.repeat_of && !known.includes(each.uid),
    );
  }

  counts(uid) {
    return this.pack.repeat.first.some((each) => each.uid === uid) || this.standing.some((each) => each.uid === uid);
  }

  get current() {
    return this.queue[0] ?? null;
  }

  // Ranked of how many, with those of this page alone; a repeat counts as any other, and what waits is not done.
  get counted() {
    const waits = new Set(this.queue.map((entry) => this.key(entry)));
    const isDone = (each) => this.isNew(each) && !waits.has(this.key({ ...each, same: this.item(each).same }));
    const done = this.standing.filter(isDone).length;
    return { done, total: done + this.queue.length };
  }

  isEarlier(ranking) {
    return this.pack.items[ranking.group].known.includes(ranking.uid);
  }

  get shown() {
    return this.shownOf(this.current);
  }

  shownOf(entry) {
    const { again, shown } = this.item(entry);
    return [...(entry.repeat_of ? again : shown), ...this.own.of(entry.group).map((each) => each.id)];
  }

  get draft() {
    return this.draftOf(this.current);
  }

  // What is begun of the completions that this page shows: another page may have shown others.
  draftOf(entry) {
    const found = this.drafts.get(this.key(entry));
    return found ? drafts.renamed(found, (id) => this.own.nameOf(entry.group, id)) : this.fresh();
  }

  get criteria() {
    return this.pack.criteria.length ? [...this.pack.criteria.map((each) => each.name), this.pack.overall] : [];
  }

  fresh() {
    return drafts.fresh(this.method, this.criteria[0] ?? this.pack.overall);
  }

  tiers(draft = this.draft) {
    return drafts.tiers(draft, this.shown);
  }

  get question() {
    return this.current ? drafts.question(this.draft, this.shown) : null;
  }

  get isSaveable() {
    return drafts.isSaveable(this.draft, this.shown, this.pack.overall);
  }

  get leftOut() {
    return drafts.leftOut(this.draft, this.shown, this.pack.overall);
  }

  get begun() {
    const says = (entry) => {
      const draft = this.draftOf(entry);
      return drafts.isBegun(draft) || this.own.begunOf(entry.group).length
        || drafts.isSaveable(draft, this.shownOf(entry), this.pack.overall);
    };
    return this.queue.filter(says).length;
  }

  // What was said of prompts without saving a ranking of them, wherever they wait: it goes home all the same.
  get remarks() {
    const said = [...this.drafts].map(([key, draft]) => {
      const [, group, same] = /^(\d+)\.([^/]*)/.exec(key) ?? [];
      return { group: Number(group), same, comment: draft.comment.trim() };
    });
    return said.filter((each) => each.same && each.comment);
  }

  // The next criterion that the item is not ordered by yet, while the present one is.
  get nextCriterion() {
    const draft = this.draft;
    if (!this.criteria.length || draft.flag || !this.tiers().length) return null;
    return this.criteria.find((name) => !drafts.tiers(draft, this.shown, name).length) ?? null;
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

  // Order this item and the next ones in another way.
  async useMethod(method) {
    await this.keep({ method });
    await this.change((draft) => drafts.withMethod(draft, method, this.shown));
  }

  // Add an answer of one's own, or one made of the completion `of`; says why it cannot be added. Undo takes it away, and
  // keeps its text as one that is begun. `place` is where it was begun.
  async write(text, of, place = of) {
    const [entry, before] = [this.current, this.draft];
    const fault = this.own.fault(entry.group, text);
    if (fault) return fault;
    const answer = this.own.make(entry.group, text, of);
    const after = { ...drafts.withBest(before, answer.id, this.shown), touched: true, seconds: this.seconds(before) };
    await this.keep({ draft: [entry, after], own: [answer, true], text: [entry.group, place, ""] });
    this.did({ kind: "write", entry, before, after, answer });
    return null;
  }

  async keepText(group, of, text) {
    await this.keep({ text: [group, of, text] });
  }

  async save() {
    const [entry, draft] = [this.current, this.draft];
    const ranking = rankingOf(this, entry, draft, this.seconds(draft));
    const rankings = this.onePerPrompt([...this.rankings, ranking]);
    const queue = this.queue.slice(1);
    const repeat = this.repeatAfter(ranking, rankings);
    if (repeat) queue.splice(Math.min(queue.length, 2 + 5 * queue.filter((each) => each.repeat_of).length), 0, repeat);
    const asked = repeat ? [...this.asked, repeat.repeat_of] : this.asked;
    await this.keep({ rankings, queue, asked, draft: [entry, null] });
    this.did({ kind: "save", entry, draft, repeat, uid: ranking.uid });
    this.restart();
  }

  // As `assignments.mix_in_repeat`: after each n-th ranking one that was made a while ago; none after a repeat.
  repeatAfter(ranking, rankings) {
    const { every, after, made, first } = this.pack.repeat;
    if (!every || ranking.repeat_of) return null;
    const here = rankings.filter((each) => !each.retracted_at && !each.repeat_of && !each.flag && this.isNew(each));
    const count = made + here.length;
    if (ranking.flag || count % every || count <= after) return null;
    const all = [...first, ...here.map((each, place) => ({ place: made + place, group: each.group, uid: each.uid }))];
    const found = all.find((each) => each.place < count - after && !this.asked.includes(each.uid));
    return found ? { group: found.group, repeat_of: found.uid, same: this.pack.items[found.group].same } : null;
  }

  isNew(ranking) {
    return this.item(ranking) !== undefined && !this.isEarlier(ranking);
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
    const found = this.waiting.filter((entry) => this.skipped.includes(this.key(entry)));
    const keys = found.map((entry) => this.key(entry));
    const back = found.filter((entry) => !this.isOver(entry));
    await this.keep({ queue: [...this.queue, ...back], skipped: this.skipped.filter((key) => !keys.includes(key)) });
    this.restart();
  }

  // Go on with what was ranked and said elsewhere, in the same page or another one for the same labeler.
  async takeUp({ rankings: found, answers, remarks }) {
    const mine = new Set(this.own.written.map((each) => each.id));
    for (const answer of answers.filter((each) => !mine.has(each.id))) await this.keep({ own: [answer, true] });
    const theirs = new Map(found.map((each) => [each.uid, each]));
    const here = new Set(this.rankings.map((each) => each.uid));
    const rankings = this.rankings.map((each) => {
      const retracted = theirs.get(each.uid)?.retracted_at;
      return retracted && !each.retracted_at ? { ...each, retracted_at: retracted } : each;
    });
    rankings.push(...found.filter((each) => !here.has(each.uid)));
    const repeated = rankings.map((each) => each.repeat_of).filter(Boolean);
    const asked = [...new Set([...this.asked, ...repeated])];
    await this.keep({ rankings: this.onePerPrompt(rankings), asked });
    for (const { group, same, comment } of remarks) await this.takeUpRemark({ group, same }, comment);
    await this.keep({ queue: this.queue.filter((entry) => !this.isDone(entry)) });
  }

  async takeUpRemark(entry, said) {
    const draft = this.item(entry) && this.draftOf(entry);
    const ranked = this.standing.some((each) => each.group === entry.group && each.comment.includes(said));
    const comment = draft && joining.both(draft.comment, said, " ");
    if (!draft || ranked || comment === draft.comment) return;
    await this.keep({ draft: [entry, { ...draft, comment, touched: draft.touched || !this.isDone(entry) }] });
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
    await this.keep(replay.backwards(this, step));
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
      this.drafts.set(this.key(step.entry), replay.with(this, step.entry, step.draft));
      const undone = this.undone;
      await this.save();
      this.undone = undone;
    } else {
      await this.keep(replay.forwards(this, step, rest));
      this.steps.push(step);
    }
    this.undone.pop();
    return true;
  }

  // What was ranked, to go on with it, and what was said of it beside that.
  asRanked(ranking, comment) {
    const draft = draftOf(this, ranking);
    return { ...draft, back: true, comment: joining.both(draft.comment, comment, " ") };
  }

  latestStep() {
    const ranking = this.latest;
    if (!ranking) return null;
    const entry = { group: ranking.group, repeat_of: ranking.repeat_of, same: this.pack.items[ranking.group].same };
    return { kind: "save", entry, draft: draftOf(this, ranking), repeat: null, uid: ranking.uid };
  }

  // Write what changes, all of it at once, then take it over. `own` is an answer and whether it is there from now on;
  // `text` what is begun of one, by its group and the completion that it mends.
  async keep({ draft, own, text, method, rankings = this.rankings, queue = this.queue, skipped = this.skipped, asked = this.asked }) {
    const changes = new Map();
    rankings.forEach((each, place) => {
      if (each !== this.rankings[place]) changes.set(`ranking/${String(place).padStart(7, "0")}`, each);
    });
    if (queue !== this.queue || skipped !== this.skipped || asked !== this.asked) {
      changes.set("queue", { queue, skipped, asked });
    }
    if (draft) changes.set(`draft/${this.key(draft[0])}`, draft[1]);
    if (own) changes.set(`own/${own[0].id}`, own[1] ? own[0] : null);
    const place = text && this.own.place(text[0], text[1]);
    if (text) changes.set(`text/${place}`, text[2] || null);
    if (method) changes.set("method", method);
    await this.store.write(changes);
    Object.assign(this, { rankings, queue, skipped, asked, method: method ?? this.method });
    if (draft) draft[1] ? this.drafts.set(this.key(draft[0]), draft[1]) : this.drafts.delete(this.key(draft[0]));
    if (own) this.own.written = [...this.own.written.filter((each) => each.id !== own[0].id), ...(own[1] ? [own[0]] : [])];
    if (text) text[2] ? this.own.begun.set(place, text[2]) : this.own.begun.delete(place);
  }
}

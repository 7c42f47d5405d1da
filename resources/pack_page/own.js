// Answers of the labeler's own among the others. Each has a negative number until the program gives it one of its own:
// `core/labeling/page_answers.py` knows it by its words.

class OwnAnswers {
  constructor(pack) {
    this.pack = pack;
    // {id, group, same, text, of: the completion that was mended, or null}, the oldest first; `same` as a ranking has it.
    this.written = [];
    this.begun = new Map(); // texts that are not added yet, by `place`
  }

  load(entries) {
    for (const [key, value] of entries) {
      if (key.startsWith("own/")) this.written.push(value);
      if (key.startsWith("text/")) this.begun.set(key.slice(5), value);
    }
    this.written.sort((one, two) => (one.written_at < two.written_at ? -1 : 1));
  }

  // By what a text that is begun is kept: its group, and the completion that it mends, 0 for none.
  place(group, of) {
    return `${group}.${this.pack.items[group].same}/${of ?? 0}`;
  }

  // Those that were written to this prompt, not to another one with its number in a copy of the project.
  to(group) {
    const { same } = this.pack.items[group];
    return this.written.filter((each) => each.group === group && (each.same ?? same) === same);
  }

  // Those that are shown with the completions of the group: the same words are shown once.
  of(group) {
    return this.to(group).filter((each) => this.nameOf(group, each.id) === each.id);
  }

  // By which number a completion is shown here: one's own may have become a completion of the pack since, or have been
  // written twice; null where it is none of the group.
  nameOf(group, id) {
    const cards = this.pack.items[group].cards;
    const written = this.to(group);
    const mine = written.find((each) => each.id === id);
    if (!mine) return id in cards ? id : null;
    const there = Object.keys(cards).find((number) => cards[number].mine === mine.text);
    return there ? Number(there) : written.find((each) => each.text === mine.text).id;
  }

  text(group, id) {
    return this.to(group).find((each) => each.id === id)?.text ?? this.pack.items[group].cards[id].text;
  }

  // To the letter, where `text` is what is shown.
  words(group, id) {
    const { mine, whole, text } = this.pack.items[group].cards[id] ?? {};
    return this.to(group).find((each) => each.id === id)?.text ?? mine ?? whole ?? text;
  }

  // Why this cannot be added; null if it can. As `core.store.completions.write` has it.
  fault(group, text) {
    const { cards } = this.pack.items[group];
    const { letters, answers, completions } = this.pack.limits;
    const own = this.of(group);
    const mine = own.length + Object.values(cards).filter((card) => "mine" in card).length;
    if (!text.trim()) return "An answer cannot be empty: write one first.";
    if (own.some((each) => each.text === text) || Object.values(cards).some((card) => (card.mine ?? card.whole ?? card.text) === text)) {
      return "One of the answers says this already: write another one.";
    }
    const long = [...text].length;
    if (long > letters) return `An answer may have ${letters.toLocaleString("en")} letters, and this one has ${long.toLocaleString("en")}: shorten it.`;
    if (mine >= answers) return `You wrote ${answers} answers to this prompt, and nobody may write more.`;
    if (Object.keys(cards).length + own.length >= completions) return `At most ${completions} answers can be ranked together.`;
    return null;
  }

  make(group, text, of) {
    const [high, low] = crypto.getRandomValues(new Uint32Array(2));
    const { same } = this.pack.items[group];
    return { id: -1 - ((high & 0xfffff) * 2 ** 32 + low), group, same, text, of, written_at: now() };
  }

  // Which texts are begun of a group: the completions that they mend, 0 for none.
  begunOf(group) {
    const begin = this.place(group, "");
    return [...this.begun.keys()].filter((key) => key.startsWith(begin)).map((key) => Number(key.slice(begin.length)));
  }
}

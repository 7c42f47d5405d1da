// Answers of the labeler's own among the others. Each has a negative number until the program gives it one of its own:
// `core/labeling/page_answers.py` knows it by its words.

class OwnAnswers {
  constructor(pack) {
    this.pack = pack;
    this.written = []; // {id, group, text, of: the completion that was mended, or null}, the oldest first
    this.begun = new Map(); // texts that are not added yet, by `group/of`, 0 where nothing is mended
  }

  load(entries) {
    for (const [key, value] of entries) {
      if (key.startsWith("own/")) this.written.push(value);
      if (key.startsWith("text/")) this.begun.set(key.slice(5), value);
    }
    this.written.sort((one, two) => (one.written_at < two.written_at ? -1 : 1));
  }

  // Those that are shown with the completions of the group: the same words are shown once.
  of(group) {
    return this.written.filter((each) => each.group === group && this.nameOf(group, each.id) === each.id);
  }

  // By which number a completion is shown here: one's own may have become a completion of the pack since, or have been
  // written twice; null where it is none of the group.
  nameOf(group, id) {
    const cards = this.pack.items[group].cards;
    const mine = this.written.find((each) => each.id === id && each.group === group);
    if (!mine) return id in cards ? id : null;
    const there = Object.keys(cards).find((number) => cards[number].mine === mine.text);
    return there ? Number(there) : this.written.find((each) => each.group === group && each.text === mine.text).id;
  }

  text(group, id) {
    return this.written.find((each) => each.id === id)?.text ?? this.pack.items[group].cards[id].text;
  }

  // Why this cannot be added; null if it can. As `core.store.completions.write` has it.
  fault(group, text) {
    const { cards } = this.pack.items[group];
    const { letters, answers, completions } = this.pack.limits;
    const own = this.of(group);
    const mine = own.length + Object.values(cards).filter((card) => "mine" in card).length;
    if (!text.trim()) return "An answer cannot be empty: write one first.";
    if (own.some((each) => each.text === text) || Object.values(cards).some((card) => (card.mine ?? card.text) === text)) {
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
    return { id: -1 - ((high & 0xfffff) * 2 ** 32 + low), group, text, of, written_at: now() };
  }

  // Which texts are begun of a group: the completions that they mend, 0 for none.
  begunOf(group) {
    return [...this.begun.keys()].filter((key) => key.startsWith(`${group}/`)).map((key) => Number(key.split("/")[1]));
  }
}

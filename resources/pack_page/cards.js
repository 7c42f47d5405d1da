// The item on the table: its prompt, its cards and the ladder of the order so far.

class Cards {
  constructor(work, wish) {
    this.work = work;
    this.wish = wish; // what a button or a drop asks for, by name
    this.selected = 0;
    this.unfolded = false;
    this.cards = [];
  }

  get item() {
    return this.work.item(this.work.current);
  }

  get chosen() {
    return this.work.shown[this.selected];
  }

  // Another item; or the same one with other answers, of which the last is one's own.
  showItem(same = false) {
    const more = same && this.work.shown.length > this.cards.length;
    this.selected = more ? this.work.shown.length - 1 : 0;
    if (!same) this.showPrompt();
    this.cards = this.work.shown.map((id, index) => this.makeCard(id, index));
    $("cards").replaceChildren(...this.cards.map((card) => card.frame));
    if (!same) $("board").scrollTop = 0;
    $("comment").value = this.work.draft.comment;
    this.showOrder();
    if (more) this.cards[this.selected].frame.scrollIntoView({ block: "nearest" });
  }

  showPrompt() {
    const { turns } = this.item;
    const last = turns.at(-1);
    if (turns.length === 1 && !last.speaker) {
      $("prompt").replaceChildren(passage(last.text.length < 240 ? "asked" : "asked long", last.text));
      return;
    }
    const before = turns.slice(0, -1);
    const open = this.unfolded || last.role === "tool";
    const count = `${before.length} earlier turn${before.length === 1 ? "" : "s"}`;
    const link = make("button", {
      kind: "link",
      text: `${open ? "Hide" : "Show"} ${count}${coarse.matches ? "" : " (T)"}`,
      on: () => this.toggleTurns(),
    });
    link.setAttribute("aria-expanded", String(open));
    $("prompt").replaceChildren(
      ...(before.length ? [link] : []),
      ...(open ? before.map((turn) => this.bubble(turn)) : []),
      this.bubble(last),
    );
  }

  bubble(turn) {
    const kind = `turn ${turn.role}`;
    return make("div", { kind }, make("div", { kind: "speaker", text: turn.speaker }), passage("said", turn.text));
  }

  toggleTurns() {
    this.unfolded = !this.unfolded;
    this.showPrompt();
  }

  makeCard(id, index) {
    const letter = order.letter(index);
    const button = (name, text, title) =>
      make("button", { kind: name, text, title, on: () => this.wish(name, index), label: `${title}: ${letter}` });
    const { own } = this.work;
    const text = own.text(this.work.current.group, id);
    const mine = own.of(this.work.current.group).find((each) => each.id === id);
    const foot = mine ? (mine.of ? "Mended by hand" : "Written by hand") : this.item.cards[id].foot;
    const nothing = text.trim() ? "" : text ? "Nothing but blanks" : "An empty answer";
    const parts = {
      chip: make("span", { kind: "chip", text: letter, data: { grip: id }, title: "Drag it to its place" }),
      said: make("span", { kind: "flagged" }),
      tie: button("tie", "=", "Tie it with the one placed last"),
      place: button("toggle", "Place", "Give it the next place"),
      good: button("good", "+", "Good by itself"),
      bad: button("bad", "−", "Bad by itself"),
      flag: button("flag", "⚑", "Flag this completion"),
      mend: button("mend", "✎", "Write a better one of it"),
    };
    const head = make(
      "div", { kind: "card-head", data: { grip: id, mouse: "1" } }, parts.chip, parts.said, parts.tie, parts.place,
    );
    const below = make(
      "div", { kind: "card-foot" }, make("span", { kind: "foot", text: foot }), parts.good, parts.bad, parts.flag, parts.mend,
    );
    const frame = make("article", { kind: "card", data: { drop: `card:${id}` }, label: `Completion ${letter}` });
    frame.append(head, passage(nothing ? "answer nothing" : "answer", nothing || text), below);
    frame.addEventListener("click", () => this.select(index, { scroll: false }));
    return { id, index, letter, frame, ...parts };
  }

  // The same item, ordered in another way.
  showOrder() {
    const draft = this.work.draft;
    const tiers = this.work.tiers();
    const asked = this.work.question;
    document.body.toggleAttribute("data-asking", Boolean(asked));
    this.showQuestion(asked, draft);
    for (const card of this.cards) {
      const rank = order.rank(tiers, card.id);
      const tied = order.tied(tiers, card.id);
      const [flag, verdict] = [draft.flags[card.id], draft.verdicts[card.id]];
      card.frame.classList.toggle("placed", rank !== null);
      card.frame.hidden = Boolean(asked) && !asked.includes(card.id);
      card.place.textContent = asked ? "Better" : rank === null ? "Place" : tied ? `${rank} tied` : `${rank}`;
      card.place.title = asked ? "It is the better one" : rank === null ? "Give it the next place" : "Take its place away";
      card.place.setAttribute("aria-label", this.saidOfPlace(card, rank, asked));
      card.tie.hidden = rank !== null || !tiers.length || Boolean(asked);
      card.tie.textContent = `= ${tiers.length}`;
      card.said.textContent = flag ? `⚑ ${this.titleOf(flag)}` : "";
      pressed(card.good, verdict === "good");
      pressed(card.bad, verdict === "bad");
      pressed(card.flag, Boolean(flag));
    }
    $("note").textContent = draft.flag ? `⚑ The whole prompt is flagged “${this.titleOf(draft.flag)}”: the order does not count.` : "";
    $("note").hidden = !draft.flag;
    if ($("comment") !== document.activeElement) $("comment").value = draft.comment;
    this.showCriteria(draft);
    this.showLadder(tiers, draft);
    this.select(this.selected, { scroll: false });
  }

  saidOfPlace(card, rank, asked) {
    if (asked) return `${card.letter} is better`;
    return rank === null ? `Place ${card.letter} next` : `${card.letter} has place ${card.place.textContent}: take it away`;
  }

  // Which of the two is better, and how many such questions are left.
  showQuestion(asked, draft) {
    $("question").hidden = !asked;
    if (!asked) return;
    const answers = draft.answers[draft.criterion] ?? [];
    const [one, two] = asked.map((id) => order.letter(this.work.shown.indexOf(id)));
    const left = pairwise.left(this.work.shown, answers);
    const rest = left === 1 ? "the last one" : `at most ${left} left`;
    const button = (kind, text, sign) => make("button", { kind, text, on: () => this.wish("answer", sign) });
    $("question").replaceChildren(
      button("left", `${one} is better`, 1), button("neither", "Neither", 0), button("right", `${two} is better`, -1),
      make("span", { text: `Which one is better? Question ${answers.length + 1}, ${rest}.` }),
    );
    if (!asked.includes(this.chosen)) this.selected = this.work.shown.indexOf(asked[0]);
  }

  titleOf(flag) {
    return this.work.pack.flags.find((each) => each.name === flag)?.title ?? flag;
  }

  showCriteria(draft) {
    const { criteria, pack } = this.work;
    const titles = new Map([...pack.criteria.map((each) => [each.name, each]), [pack.overall, { title: "overall", meaning: "Everything together: this order gives the pairs." }]]);
    $("criteria").hidden = !criteria.length;
    $("criteria").replaceChildren(
      make("span", { text: "Order by" }),
      ...criteria.map((name) => {
        const done = drafts.tiers(draft, this.work.shown, name).length > 0;
        const { title, meaning } = titles.get(name);
        const button = make("button", { kind: "tab", text: `${done ? "✓ " : ""}${title}`, title: meaning, on: () => this.wish("look", name) });
        pressed(button, name === draft.criterion);
        return button;
      }),
    );
  }

  showLadder(tiers, draft) {
    const rest = order.unranked(tiers, this.work.shown);
    const chip = (id) => {
      const card = this.cards.find((each) => each.id === id);
      const kind = `chip${order.rank(tiers, id) ? " filled" : ""}`;
      return make("button", { kind, text: card.letter, tabIndex: -1, data: { grip: id }, on: () => this.select(card.index) });
    };
    const rows = tiers.map((tier, index) =>
      make("div", { kind: "tier", data: { drop: `tier:${index}` } }, make("b", { text: `${index + 1}` }), ...tier.map(chip)),
    );
    const empty = rest.slice(0, 4).map((_, place) =>
      make("div", { kind: "tier empty", data: { drop: `tier:${tiers.length}` } }, make("b", { text: `${tiers.length + place + 1}` })),
    );
    $("ladder").replaceChildren(
      make("div", { kind: "caption", text: "Best" }), ...rows, ...empty,
      make("div", { kind: "caption", text: rest.length ? `Unranked, below: ${rest.length}` : "Unranked: none" }),
      make("div", { kind: "box", data: { drop: "box" } }, ...rest.map(chip)),
    );
    $("ladder").classList.toggle("faint", Boolean(draft.flag));
  }

  select(index, { scroll = true } = {}) {
    if (index >= 0 && index < this.cards.length) this.selected = index;
    for (const card of this.cards) card.frame.classList.toggle("selected", card.index === this.selected);
    for (const chip of $("ladder").querySelectorAll("[data-grip]")) {
      chip.classList.toggle("selected", Number(chip.dataset.grip) === this.chosen);
    }
    if (scroll && this.isOutOfSight(this.cards[this.selected].frame)) {
      this.cards[this.selected].frame.scrollIntoView({ block: "nearest" });
    }
  }

  // A long card of which a part is seen stays where it is: somebody reads it.
  isOutOfSight(frame) {
    const [board, card] = [$("board").getBoundingClientRect(), frame.getBoundingClientRect()];
    const fits = card.height < board.height;
    return fits ? card.top < board.top || card.bottom > board.bottom : card.bottom < board.top + 60 || card.top > board.bottom - 60;
  }

  // How many cards stand beside each other.
  get columns() {
    const top = this.cards[0].frame.offsetTop;
    const found = this.cards.findIndex((card) => card.frame.offsetTop !== top);
    return found < 0 ? this.cards.length : found;
  }

  // The order in one line: `A > C = D`.
  get sentence() {
    const letter = (id) => this.cards.find((card) => card.id === id).letter;
    return this.work.tiers().map((tier) => tier.map(letter).join(" = ")).join(" > ") || "Nothing placed yet";
  }
}

// The flags that the guidelines define, for one answer and for the whole prompt; and what to do where nobody can tell.

function openFlags(page, index = page.cards.selected) {
  page.cards.select(index);
  const { draft, pack } = page.work;
  const [id, letter] = [page.cards.chosen, order.letter(index)];
  let digit = 0;
  const choice = (title, meaning, on, chosen) => {
    digit += 1;
    const button = make("button", { kind: "choice", data: { digit }, on: () => ($("flags").close(), on()) },
      make("kbd", { text: digit < 10 ? `${digit}` : "" }), make("b", { text: title }), make("span", { text: meaning }));
    pressed(button, chosen);
    return button;
  };
  const flagged = (change) => () => page.run(() => page.work.change(change));
  const onCard = (flag) => flagged(({ flags: { [id]: _, ...rest }, ...draft }) => ({ ...draft, flags: flag ? { ...rest, [id]: flag } : rest }));
  const onAll = (flag) => flagged((draft) => ({ ...draft, flag }));
  const part = (heading, current, choose) => make("section", {}, make("h3", { text: heading }),
    ...pack.flags.map(({ name, title, meaning }) => choice(title, meaning, choose(current === name ? null : name), current === name)));
  $("flags-list").replaceChildren(
    ...(pack.flags.length ? [part(`Answer ${letter}`, draft.flags[id], onCard), part("The whole prompt, instead of an order", draft.flag, onAll)]
      : [make("p", { kind: "muted", text: "The guidelines define no flags." })]),
    make("section", {}, make("h3", { text: "I cannot tell" }),
      choice("Later", "it comes again at the end", () => page.act("later"), false),
      choice("Skip for good", "it stays unranked; undo brings it back", () => page.act("skip"), false)),
  );
  $("flags").showModal();
}

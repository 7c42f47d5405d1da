// What each key does, as in the program's own Rank tab (`desktop/rank/keys.py`): one list, of which the sheet is made.

const SHEET = [
  ["Order", [
    ["A B C …", "next place, from best to worst"],
    ["Shift + A …", "tie it with the one placed last"],
    ["left out", "unranked: below the ranked, in no order"],
    ["Backspace", "take back the lowest placement"],
    ["Enter", "save and show the next"],
    ["S   Shift+S", "later, at the end; skip it for good"],
    ["Ctrl+Z   Ctrl+Y", "undo and redo, saved rankings too"],
  ]],
  ["Adjust the selected card", [
    ["← ↑ → ↓", "select a card"],
    ["Space", "give it the next place"],
    ["1 … 9", "move it to that rank"],
    ["Shift+↑   Shift+↓", "move it up or down"],
    ["=", "tie it with the rank above"],
    ["Delete", "take its place away"],
    ["+   -", "good or bad by itself; again takes it back"],
  ]],
  ["Two at a time", [
    ["Q", "two at a time, or all at once"],
    ["← →", "the left or the right one is better"],
    ["↓   =", "neither is better"],
    ["Backspace", "take back the last answer"],
  ]],
  ["More", [
    ["W   Shift+W", "write an answer; mend the selected one"],
    ["X", "flag the completion or the whole prompt"],
    ["T", "show or hide earlier turns"],
    ["R", "guidelines"],
    ["Ctrl+M", "write a comment; Esc leaves it"],
    ["Page Up   Page Down", "scroll"],
    ["?", "show or hide this sheet"],
  ]],
];

// By the key, with what is held before it.
const KEYS = {
  Backspace: "takeBack", Enter: "save", "Ctrl+Enter": "save", S: "later", "Shift+S": "skip", "Ctrl+Z": "undo",
  "Ctrl+Shift+Z": "redo", "Ctrl+Y": "redo", ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
  " ": "placeSelected", "Shift+ArrowUp": "better", "Shift+ArrowDown": "worse", Delete: "remove", X: "flag",
  ContextMenu: "flag", "Shift+F10": "flag", T: "turns", R: "rules", F3: "rules", "Ctrl+M": "comment",
  PageUp: "scrollUp", PageDown: "scrollDown", W: "write", "Shift+W": "mend", Q: "method", F6: "method",
};
// What answers a question of two.
const ANSWERS = { left: 1, right: -1, down: 0, tieUp: 0 };
// Signs that are typed in another way on each keyboard.
const TYPED = { "?": "help", "=": "tieUp", "+": "good", "-": "bad", "−": "bad" };
const LETTERS = "ABCDEFGHIJKLMNOP";

// What a press means while `cards` cards are shown: a name and a number (a card's index, or a rank), or null.
function commandOf(event, cards) {
  if (event.altKey || event.isComposing) return null;
  const held = event.ctrlKey || event.metaKey;
  if (!held && event.key in TYPED) return [TYPED[event.key]];
  const letter = letterOf(event);
  const index = letter ? LETTERS.indexOf(letter) : -1;
  if (!held && index >= 0 && index < cards) return [event.shiftKey ? "tie" : "place", index];
  if (!held && /^[1-9]$/.test(event.key)) return ["toRank", Number(event.key)];
  const key = letter || event.key;
  const name = KEYS[`${held ? "Ctrl+" : ""}${event.shiftKey ? "Shift+" : ""}${key}`];
  return name ? [name] : null;
}

// The Latin letter of a key, by its place where the keyboard writes in another script.
function letterOf(event) {
  if (/^[a-z]$/i.test(event.key)) return event.key.toUpperCase();
  return event.key.length === 1 && /^Key[A-Z]$/.test(event.code) ? event.code[3] : "";
}

function showSheet() {
  $("help-list").replaceChildren(
    ...SHEET.map(([title, rows]) =>
      make("section", {}, make("h3", { text: title }), make("dl", {}, ...rows.flatMap(([keys, meaning]) => [
        make("dt", { text: keys }), make("dd", { text: meaning }),
      ]))),
    ),
  );
}

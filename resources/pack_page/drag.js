// Dragging by mouse, pen and finger: a letter is carried to a row of the ladder, between two rows, into the box of the
// unranked, or onto another card to tie the two. A finger drags letters alone, so that it can scroll everywhere else.

const FAR = 6; // pixels before a press is a drag
const EDGE = 48; // pixels from the board's edge within which it scrolls

class Drag {
  constructor(cards, dropped) {
    this.cards = cards;
    this.dropped = dropped; // (completion, target): {kind: "tie" | "insert", index}, {kind: "card", id}, {kind: "box"}
    this.press = null;
    document.addEventListener("pointerdown", (event) => this.begin(event));
    document.addEventListener("pointermove", (event) => this.move(event));
    document.addEventListener("pointerup", (event) => this.end(event, true));
    document.addEventListener("pointercancel", (event) => this.end(event, false));
    // else some browsers scroll on once the finger is gone, and take the next tap for the end of that
    document.addEventListener("touchmove", (event) => this.press?.ghost && event.cancelable && event.preventDefault(), { passive: false });
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.press && this.end(null, false));
  }

  begin(event) {
    const grip = event.target.closest?.("[data-grip]");
    if (!grip || event.button !== 0 || this.press || event.target.closest("button:not([data-grip])")) return;
    if (grip.dataset.mouse && event.pointerType !== "mouse") return;
    this.press = { id: Number(grip.dataset.grip), x: event.clientX, y: event.clientY, pointer: event.pointerId };
    if (event.pointerType === "mouse") event.preventDefault(); // else the text is selected
  }

  move(event) {
    const press = this.press;
    if (!press || event.pointerId !== press.pointer) return;
    if (!press.ghost && Math.hypot(event.clientX - press.x, event.clientY - press.y) < FAR) return;
    if (!press.ghost) this.lift(press);
    press.ghost.style.transform = `translate(${event.clientX}px, ${event.clientY}px)`;
    press.at = [event.clientX, event.clientY];
    this.aim(this.targetAt(...press.at));
  }

  lift(press) {
    const card = this.cards.cards.find((each) => each.id === press.id);
    press.ghost = make("div", { kind: "ghost", text: card.letter });
    document.body.append(press.ghost);
    document.body.classList.add("dragging");
    press.scrolling = setInterval(() => this.scroll(press), 16);
  }

  end(event, done) {
    const press = this.press;
    if (!press || (event && event.pointerId !== press.pointer)) return;
    this.press = null;
    if (!press.ghost) return;
    clearInterval(press.scrolling);
    press.ghost.remove();
    document.body.classList.remove("dragging");
    this.aim(null);
    const target = done && press.at ? this.targetAt(...press.at) : null;
    if (target && target.id !== press.id) this.dropped(press.id, target);
  }

  targetAt(x, y) {
    const found = document.elementFromPoint(x, y)?.closest("[data-drop]");
    if (!found) return this.besideLadder(x, y);
    const [kind, number] = found.dataset.drop.split(":");
    if (kind !== "tier") return { kind, id: kind === "card" ? Number(number) : undefined, element: found };
    if (found.classList.contains("empty")) return { kind: "insert", index: Number(number), element: found };
    const box = found.getBoundingClientRect();
    const [from, size] = narrow.matches ? [x - box.left, box.width] : [y - box.top, box.height];
    const edge = Math.min(narrow.matches ? 14 : 10, size / 4);
    if (from < edge) return { kind: "insert", index: Number(number), element: found, before: true };
    if (from > size - edge) return { kind: "insert", index: Number(number) + 1, element: found, after: true };
    return { kind: "tie", index: Number(number), element: found };
  }

  // Between its rows, or past them.
  besideLadder(x, y) {
    if (!document.elementFromPoint(x, y)?.closest("#ladder")) return null;
    const rows = [...$("ladder").querySelectorAll(".tier:not(.empty)")];
    const below = rows.findIndex((row) => {
      const box = row.getBoundingClientRect();
      return narrow.matches ? x < box.left : y < box.top;
    });
    const index = below < 0 ? rows.length : below;
    return { kind: "insert", index, element: rows[index] ?? rows.at(-1) ?? $("ladder"), before: below >= 0, after: below < 0 };
  }

  aim(target) {
    for (const each of document.querySelectorAll(".aim, .aim-before, .aim-after")) {
      each.classList.remove("aim", "aim-before", "aim-after");
    }
    target?.element.classList.add(target.before ? "aim-before" : target.after ? "aim-after" : "aim");
  }

  scroll(press) {
    if (!press.at) return;
    const box = $("board").getBoundingClientRect();
    const [x, y] = press.at;
    if (x < box.left || x > box.right) return;
    const up = y - box.top < EDGE && y > box.top - EDGE;
    const down = box.bottom - y < EDGE && y < box.bottom;
    if (up || down) $("board").scrollTop += up ? -10 : 10;
  }
}

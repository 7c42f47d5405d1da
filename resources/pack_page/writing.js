// An answer of one's own, or one made of another: what is begun is kept at every letter, until it is added.

const NOTE = "Kept as you type. It is shown as the best, until you place it.";
const NOTE_TWO = "Kept as you type. You are asked about it as about the others.";
const ADDED = "Your answer is among the others, as the best: place it where it belongs.";
const ADDED_TWO = "Your answer is among the others, and is asked about, too.";
const LEFT_BEHIND = "You began an answer that is not added yet: go on with it, or save once more without it.";

class Writing {
  constructor(page) {
    this.page = page;
    this.place = null; // [group, of]
    $("answer-text").addEventListener("input", () => this.keep());
    $("answer-add").addEventListener("click", () => this.add());
    $("answer").addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.add();
    });
    $("answer").addEventListener("close", () => page.run(() => {})); // behind what is being kept
  }

  // `of` is the completion that is mended, or null. What is begun comes first.
  open(of) {
    const { work } = this.page;
    const { group } = work.current;
    const begun = work.own.begunOf(group);
    const there = begun.find((each) => each && work.own.nameOf(group, each) === null) ?? begun[0];
    const place = of ?? (begun.includes(0) || there === undefined ? 0 : there);
    const mended = place && work.own.nameOf(group, place) !== null ? place : null;
    this.place = [group, place];
    $("answer-title").textContent = mended ? `Mend ${order.letter(work.shown.indexOf(mended))}` : "Your own answer";
    $("answer-text").value = work.own.begun.get(work.own.place(group, place)) ?? (mended ? work.own.words(group, mended) : "");
    $("answer-note").textContent = work.question ? NOTE_TWO : NOTE;
    this.say("");
    $("answer").showModal();
    $("answer-text").focus();
  }

  say(sentence) {
    $("answer-said").textContent = sentence;
  }

  keep() {
    this.say("");
    const [[group, of], text] = [this.place, $("answer-text").value];
    this.page.run(() => this.page.work.keepText(group, of, text), { quiet: true });
  }

  add() {
    const [[group, of], text] = [this.place, $("answer-text").value];
    this.page.run(async () => {
      const { work } = this.page;
      if (work.current?.group !== group) return;
      const fault = await work.write(text, of && work.own.nameOf(group, of) !== null ? of : null, of);
      if (fault) {
        this.say(fault);
        return $("answer-text").focus();
      }
      $("answer").close();
      this.page.say(work.question ? ADDED_TWO : ADDED);
    });
  }
}

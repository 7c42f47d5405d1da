// What undo and redo change, as `Work.keep` takes it. Typing is no step, and neither writes over what was typed since.

const replay = {
  forwards(work, step, rest) {
    if (step.kind === "skip") return { queue: rest, skipped: [...work.skipped, work.key(step.entry)] };
    const draft = [step.entry, replay.with(work, step.entry, step.after)];
    if (step.kind === "change") return { draft };
    return { draft, own: [step.answer, true], text: replay.textAgain(work, step) };
  },

  backwards(work, step) {
    const others = work.queue.filter((each) => work.key(each) !== work.key(step.entry));
    if (step.kind === "skip") {
      return { queue: [step.entry, ...others], skipped: work.skipped.filter((key) => key !== work.key(step.entry)) };
    }
    if (step.kind !== "save") {
      const { answer } = step;
      const taken = answer ? { own: [answer, false], text: replay.textBack(work, step) } : {};
      return { queue: [step.entry, ...others], draft: [step.entry, replay.with(work, step.entry, step.before)], ...taken };
    }
    const mixed = step.repeat ? work.key(step.repeat) : null;
    return {
      queue: [step.entry, ...others.filter((each) => work.key(each) !== mixed)],
      asked: work.asked.filter((uid) => uid !== step.repeat?.repeat_of),
      draft: [step.entry, replay.draftBack(work, step)],
      rankings: work.rankings.map((each) => (each.uid === step.uid ? { ...each, retracted_at: now() } : each)),
    };
  },

  // What was begun anew of it meanwhile stays, and so does what was said.
  draftBack(work, step) {
    const kept = work.drafts.get(work.key(step.entry));
    return { ...(kept?.touched ? kept : step.draft), comment: joining.both(step.draft.comment, kept?.comment ?? "", " ") };
  },

  // The text of an answer that is taken away goes before what is begun in its place by now. `step.texts` is what was begun
  // there and what is: as long as nobody types, redo brings the one back.
  textBack(work, step) {
    const { group, of, text } = step.answer;
    const begun = work.own.begun.get(work.own.place(group, of)) ?? "";
    step.texts = [begun, joining.both(text, begun)];
    return [group, of, step.texts[1]];
  },

  textAgain(work, step) {
    const { group, of } = step.answer;
    const begun = work.own.begun.get(work.own.place(group, of)) ?? "";
    return [group, of, begun === step.texts[1] ? step.texts[0] : begun];
  },

  // Typing a comment is no step: what was said last outlives undo, and so does the time that it took.
  with(work, entry, draft) {
    const { comment, seconds } = work.drafts.get(work.key(entry)) ?? draft;
    return { ...draft, comment, seconds };
  },
};

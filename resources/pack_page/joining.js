// What was kept in one place while another did not answer joins what is there: it is the newer one. Where one has to give
// way, a text never does.

const joining = {
  // Two texts that are begun in one place: both stay.
  both(before, after, between = "\n\n") {
    if (before.startsWith(after) || before.endsWith(after)) return before;
    return after.startsWith(before) ? after : `${before}${between}${after}`;
  },

  // What changes in the entries `found` where those `beside` them join.
  changes(found, beside) {
    if (!beside.size) return new Map();
    const own = /^(ranking|draft|text)\/|^queue$/;
    return new Map([
      ...[...beside].filter(([key]) => !own.test(key)),
      ...joining.of("text/", beside).map(([key, each]) => [key, joining.both(found.get(key) ?? "", each)]),
      ...joining.rankings(found, beside),
      ...joining.drafts(found, beside),
      ...joining.again(found, beside),
      ["queue", joining.queue(found, beside)],
    ]);
  },

  of(kind, entries) {
    return [...entries].filter(([key]) => key.startsWith(kind)).sort(([one], [two]) => (one < two ? -1 : 1));
  },

  // Behind those that are there; what was taken back since is taken back there, too.
  rankings(found, beside) {
    const there = new Map(joining.of("ranking/", found).map(([key, each]) => [each.uid, [key, each]]));
    const given = joining.of("ranking/", beside).map(([, each]) => each);
    const late = given.filter((each) => !there.has(each.uid));
    const retracted = given.filter((each) => each.retracted_at && there.has(each.uid) && !there.get(each.uid)[1].retracted_at);
    return [
      ...retracted.map((each) => [there.get(each.uid)[0], each]),
      ...late.map((each, place) => [`ranking/${String(there.size + place).padStart(7, "0")}`, each]),
    ];
  },

  // The later order with both comments. Of what was begun before it was ranked, the comment alone is left.
  drafts(found, beside) {
    const ranked = joining.ranked(beside).map((key) => `draft/${key}`).filter((key) => found.has(key) && !beside.has(key));
    const nothing = { orders: {}, answers: {}, flags: {}, flag: null, verdicts: {}, touched: false, again: null };
    const begun = joining.of("draft/", beside).filter(([key, each]) => each.touched || !found.has(key));
    return [
      ...ranked.map((key) => [key, { ...found.get(key), ...nothing }]),
      ...begun.map(([key, each]) => [key, { ...each, comment: joining.both(found.get(key)?.comment ?? "", each.comment, " ") }]),
    ];
  },

  // Ranked in one place, while an answer to it that is not added was begun in the other: it comes again as it was ranked,
  // with that answer, and with what was said of it.
  again(found, beside) {
    const changes = [];
    for (const [begun, ranked] of [[found, beside], [beside, found]]) {
      const texts = joining.of("text/", begun).map(([key]) => key.slice(5));
      const over = new Set(joining.ranked(begun)); // somebody who saw what is begun
      for (const [, again] of joining.of("ranking/", ranked).filter(([, each]) => !each.retracted_at)) {
        const key = drafts.key(again);
        const anew = [beside, ranked].some((each) => each.get(`draft/${key}`)?.touched);
        if (over.has(key) || anew || !texts.some((each) => each.startsWith(`${again.group}.${again.same}/`))) continue;
        const said = [found, beside].map((each) => each.get(`draft/${key}`)?.comment ?? "");
        changes.push([`draft/${key}`, { again, comment: joining.both(...said, " ") }]);
      }
    }
    return changes;
  },

  // As it was left last, and then what else waits. What was worked on is not skipped any more.
  queue(found, beside) {
    const [before, after] = [found, beside].map((each) => each.get("queue") ?? { queue: [], skipped: [], asked: [] });
    const touched = joining.of("draft/", beside).filter(([, each]) => each.touched).map(([key]) => key.slice(6));
    const worked = new Set([...touched, ...joining.ranked(beside)]);
    const all = (one, two) => [...new Set([...one, ...two])];
    return {
      queue: [...after.queue, ...before.queue], // each counts once
      skipped: all(before.skipped.filter((key) => !worked.has(key)), after.skipped),
      asked: all(before.asked, after.asked),
    };
  },

  // The keys of what is ranked.
  ranked(entries) {
    return joining.of("ranking/", entries).filter(([, each]) => !each.retracted_at).map(([, each]) => drafts.key(each));
  },
};

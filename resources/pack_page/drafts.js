// One ranking in the making, as plain data, as `core/labeling/ordering.py` has it: each change gives a new draft. By each
// criterion there is an order that was placed by hand, and answers to questions of two; `method` says which one counts.

const drafts = {
  // By what it is kept. A copy of the project has the same uid, and may have other texts under the same number: hence `same`.
  key({ group, same, repeat_of: repeats }) {
    return repeats ? `${group}.${same}/${repeats}` : `${group}.${same}`;
  },

  fresh(method, criterion) {
    return {
      method, criterion, orders: {}, answers: {}, flags: {}, flag: null, verdicts: {}, comment: "", seconds: 0, touched: false,
    };
  },

  tiers(draft, shown, name = draft.criterion) {
    if (draft.method === "pairwise") return pairwise.derive(shown, draft.answers[name] ?? []);
    return draft.orders[name] ?? [];
  },

  // The two that are to be compared next, or null.
  question(draft, shown) {
    if (draft.method !== "pairwise" || draft.flag) return null;
    return pairwise.question(shown, draft.answers[draft.criterion] ?? []);
  },

  // A criterion whose questions are answered in part: nothing of that could be stored.
  unfinished(draft, shown) {
    if (draft.method !== "pairwise") return null;
    const begun = Object.keys(draft.answers).filter((name) => draft.answers[name].length);
    return begun.find((name) => !drafts.tiers(draft, shown, name).length) ?? null;
  },

  // Is there anything in it that can be stored? A comment alone is no judgement, and what nobody touched is nobody's.
  isSaveable(draft, shown, overall) {
    const { flag, flags, verdicts, touched } = draft;
    const judged = drafts.tiers(draft, shown, overall).length || flag || Object.keys(flags).length || Object.keys(verdicts).length;
    return Boolean(touched && judged && (flag || drafts.unfinished(draft, shown) === null));
  },

  isBegun(draft) {
    return [...Object.values(draft.orders), ...Object.values(draft.answers)].some((found) => found.length);
  },

  // What has no place in an order by hand that gives others one, and no flag: it would count as worse.
  leftOut(draft, shown, overall) {
    const tiers = draft.orders[overall] ?? [];
    if (draft.method !== "order" || draft.flag || !tiers.length) return [];
    return order.unranked(tiers, shown).filter((id) => !(id in draft.flags));
  },

  // Ordered in another way. What was said in either stays; a whole order from questions begins one by hand.
  withMethod(draft, method, shown) {
    const { orders, answers } = draft;
    const whole = Object.keys(answers).filter((name) => method === "order" && !orders[name]?.length);
    const found = whole.map((name) => [name, pairwise.derive(shown, answers[name])]);
    return { ...draft, method, orders: { ...orders, ...Object.fromEntries(found) } };
  },

  // With one more completion, shown last: the best one by each order that was begun, or the first that is placed. Where
  // questions of two are still open, it is asked about.
  withBest(draft, id, shown) {
    const whole = draft.method === "pairwise" && drafts.tiers(draft, shown).length;
    const { orders, ...rest } = whole ? drafts.withMethod(draft, "order", shown) : draft;
    if (rest.method === "pairwise") return draft;
    const topped = Object.entries(orders).map(([name, tiers]) => [name, tiers.length ? [[id], ...tiers] : tiers]);
    return { ...rest, orders: { ...Object.fromEntries(topped), [draft.criterion]: [[id], ...(orders[draft.criterion] ?? [])] } };
  },

  // With other numbers, and without what has none any more.
  renamed(draft, nameOf) {
    const keep = (found) => Object.fromEntries(
      Object.entries(found).map(([id, said]) => [nameOf(Number(id)), said]).filter(([id]) => id !== null),
    );
    const placed = (tiers) => order.whole(tiers.map((tier) => tier.map(nameOf).filter((id) => id !== null)));
    const asked = (answers) => answers.map(([one, two, sign]) => [nameOf(one), nameOf(two), sign])
      .filter(([one, two]) => one !== null && two !== null);
    const each = (found, change) => Object.fromEntries(Object.entries(found).map(([name, said]) => [name, change(said)]));
    return {
      ...draft, orders: each(draft.orders, placed), answers: each(draft.answers, asked), flags: keep(draft.flags),
      verdicts: keep(draft.verdicts),
    };
  },
};

// An order from questions of two, as `core/labeling/pairwise.py` asks them: binary insertion. An answer is [left, right,
// sign]: 1 the left one is better, -1 the right one, 0 neither.

const pairwise = {
  // The next two to compare, the one that is seen first on the left; null when all is known.
  question(shown, answers) {
    return pairwise.search(shown, answers).asked;
  },

  // The order once every question is answered; empty before, so that half an order is never saved.
  derive(shown, answers) {
    const { tiers, asked } = pairwise.search(shown, answers);
    return asked ? [] : tiers;
  },

  // How many questions are still to be answered at most.
  left(shown, answers) {
    const { tiers, asked, low, high } = pairwise.search(shown, answers);
    if (!asked) return 0;
    const rest = shown.length - tiers.flat().length;
    let most = pairwise.bits(high - low);
    for (let more = 1; more < rest; more++) most += pairwise.bits(tiers.length + more);
    return most;
  },

  bits(number) {
    return number ? 32 - Math.clz32(number) : 0;
  },

  search(shown, answers) {
    const signs = new Map(answers.flatMap(([one, two, sign]) => [[`${one}/${two}`, sign], [`${two}/${one}`, -sign]]));
    const tiers = shown.length ? [[shown[0]]] : [];
    for (const item of shown.slice(1)) {
      let [low, high, tied] = [0, tiers.length, false];
      while (low < high && !tied) {
        const middle = (low + high) >> 1;
        const other = tiers[middle][0];
        const sign = signs.get(`${item}/${other}`);
        if (sign === undefined) {
          const asked = shown.indexOf(item) < shown.indexOf(other) ? [item, other] : [other, item];
          return { tiers, asked, low, high };
        }
        if (sign === 0) {
          tiers[middle].push(item);
          tied = true;
        } else if (sign > 0) high = middle;
        else low = middle + 1;
      }
      if (!tied) tiers.splice(low, 0, [item]);
    }
    return { tiers, asked: null, low: 0, high: 0 };
  },
};

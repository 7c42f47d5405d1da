// An order in the making, as `core/labeling/ordering.py` has it: tiers of tied completions, best first. Each function
// gives new tiers; what is in none of them is unranked.

const order = {
  rank(tiers, item) {
    return tiers.findIndex((tier) => tier.includes(item)) + 1 || null;
  },

  tied(tiers, item) {
    return tiers.some((tier) => tier.length > 1 && tier.includes(item));
  },

  unranked(tiers, shown) {
    return shown.filter((item) => !order.rank(tiers, item));
  },

  without(tiers, item) {
    return tiers.map((tier) => tier.filter((other) => other !== item));
  },

  whole(tiers) {
    return tiers.filter((tier) => tier.length);
  },

  placeLast(tiers, item) {
    return order.rank(tiers, item) ? tiers : [...tiers, [item]];
  },

  tieLast(tiers, item) {
    return tiers.length ? order.tieWith(tiers, item, tiers.at(-1).at(-1)) : order.placeLast(tiers, item);
  },

  // Beside `other`; if that is unranked, both get the next place together.
  tieWith(tiers, item, other) {
    if (item === other) return tiers;
    const placed = order.placeLast(tiers, other);
    return order.intoTier(placed, item, order.rank(placed, other) - 1);
  },

  intoTier(tiers, item, index) {
    if (tiers[index].includes(item)) return tiers;
    const less = order.without(tiers, item);
    return order.whole(less.map((tier, place) => (place === index ? [...tier, item] : tier)));
  },

  // Alone in a new tier, before the tier that is at `index` now; past the end it becomes the last.
  insert(tiers, item, index) {
    const alone = tiers.findIndex((tier) => tier.length === 1 && tier[0] === item);
    if (alone >= 0 && (alone === index || alone === index - 1)) return tiers;
    const place = Math.max(0, Math.min(index, tiers.length));
    const less = order.without(tiers, item);
    return order.whole([...less.slice(0, place), [item], ...less.slice(place)]);
  },

  // Alone at `rank` (1 is best), pushing the others down.
  toRank(tiers, item, rank) {
    const moved = order.insert(order.remove(tiers, item), item, rank - 1);
    return order.same(moved, tiers) ? tiers : moved;
  },

  better(tiers, item) {
    const rank = order.rank(tiers, item);
    if (!rank) return order.placeLast(tiers, item);
    if (order.tied(tiers, item)) return order.insert(tiers, item, rank - 1);
    return rank > 1 ? order.toRank(tiers, item, rank - 1) : tiers;
  },

  worse(tiers, item) {
    const rank = order.rank(tiers, item);
    if (!rank) return tiers;
    return order.tied(tiers, item) ? order.insert(tiers, item, rank) : order.toRank(tiers, item, rank + 1);
  },

  // With the tier above; an unranked one with the lowest.
  tieUp(tiers, item) {
    const rank = order.rank(tiers, item);
    if (!rank) return order.tieLast(tiers, item);
    return rank > 1 ? order.intoTier(tiers, item, rank - 2) : tiers;
  },

  remove(tiers, item) {
    return order.rank(tiers, item) ? order.whole(order.without(tiers, item)) : tiers;
  },

  takeBack(tiers) {
    return tiers.length ? order.remove(tiers, tiers.at(-1).at(-1)) : tiers;
  },

  same(one, two) {
    return JSON.stringify(one) === JSON.stringify(two);
  },

  letter(index) {
    return String.fromCharCode(65 + index);
  },
};

// What is given back: rankings as `core/labeling/page_answers.py` reads them, in one small file.

function uid() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function now() {
  return new Date().toISOString().replace("Z", "+00:00");
}

function rankingOf(work, entry, draft, seconds) {
  const { pack } = work;
  const shown = work.shownOf(entry);
  const overall = drafts.tiers(draft, shown, pack.overall);
  const named = new Set([...Object.keys(draft.orders), ...Object.keys(draft.answers)]);
  named.delete(pack.overall);
  const criteria = [...named].map((name) => [name, drafts.tiers(draft, shown, name)]).filter(([, tiers]) => tiers.length);
  return {
    uid: uid(),
    group: entry.group,
    digest: work.item(entry).digest,
    same: entry.same,
    guidelines: pack.guidelines,
    known: work.item(entry).known,
    repeat_of: entry.repeat_of ?? null,
    adjudicates: work.item(entry).decides && !entry.repeat_of,
    method: draft.method,
    created_at: now(),
    retracted_at: null,
    seconds: Math.round(seconds * 10) / 10,
    flag: draft.flag,
    comment: draft.comment.trim(),
    items: shown.map((id, place) => ({
      id,
      rank: order.rank(overall, id),
      flag: draft.flags[id] ?? null,
      position: place + 1,
      verdict: draft.verdicts[id] ?? null,
    })),
    criteria: criteria.flatMap(([name, tiers]) => shown.map((id) => [name, id, order.rank(tiers, id)])),
  };
}

// A saved ranking as it was before it was saved.
function draftOf(work, ranking) {
  const orders = {};
  const place = (name, id, rank) => {
    if (rank) ((orders[name] ??= [])[rank - 1] ??= []).push(id);
  };
  const draft = { ...work.fresh(), method: "order", orders, flag: ranking.flag, comment: ranking.comment, touched: true };
  for (const item of ranking.items) {
    place(work.pack.overall, item.id, item.rank);
    if (item.flag) draft.flags[item.id] = item.flag;
    if (item.verdict) draft.verdicts[item.id] = item.verdict;
  }
  ranking.criteria.forEach(([name, id, rank]) => place(name, id, rank));
  return { ...draft, criterion: work.pack.overall, seconds: ranking.seconds };
}

// The first letters of it tell the program what the file is.
function answersOf(work) {
  const known = new Set(Object.values(work.pack.items).flatMap((item) => item.known));
  work.rankings.forEach((each) => each.known.forEach((uid) => known.add(uid)));
  const here = (each) => work.item(each) || !work.pack.items[each.group];
  return JSON.stringify({
    plumbline: "answers",
    version: work.pack.version,
    project: work.pack.project,
    labeler: work.pack.labeler,
    made_at: now(),
    begun: work.begun,
    known: [...known],
    answers: work.own.written.filter(here),
    remarks: work.remarks.filter(here),
    rankings: work.rankings.filter(here),
  });
}

// The rankings, answers and remarks in a file that was given back earlier. What is wrong with it is an error's message.
function rankingsOf(pack, text) {
  let found = null;
  try {
    found = JSON.parse(text);
  } catch {
    // told of below
  }
  const sound = (each) =>
    /^[0-9a-f]{32}$/.test(each?.uid) && Number.isInteger(each.group) && [each.items, each.criteria, each.known].every(Array.isArray);
  const written = (each) =>
    Number.isSafeInteger(each?.id) && each.id < 0 && Number.isInteger(each.group) && typeof each.text === "string" && each.text.trim();
  const said = (each) => Number.isInteger(each?.group) && typeof each.same === "string" && typeof each.comment === "string";
  const [answers, remarks] = [found?.answers ?? [], found?.remarks ?? []];
  const lists = [found?.rankings, answers, remarks].every(Array.isArray);
  const whole = lists && found.rankings.every(sound) && answers.every(written) && remarks.every(said);
  if (found?.plumbline !== "answers" || !whole) {
    throw new Error("This is no file of answers, or it is damaged.");
  }
  if (found.project !== pack.project || found.labeler !== pack.labeler) {
    throw new Error("These answers are another project's, or another labeler's.");
  }
  return { rankings: found.rankings, answers, remarks };
}

// By this it is told whether the last file that was given back has all of it.
function stateOf(work) {
  const [answers, { remarks }] = [work.own.written.length, work];
  const said = remarks.length ? JSON.stringify(remarks) : "";
  return `${work.rankings.length}/${work.standing.length}${answers ? `/${answers}` : ""}${said}`;
}

function fileName(pack) {
  const name = `${pack.name} by ${pack.who}`.replace(/[\\/:*?"<>|\x00-\x1f]+/g, "-").slice(0, 120);
  return `${name}.json`;
}

function download(work) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([answersOf(work)], { type: "application/json" }));
  link.download = fileName(work.pack);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

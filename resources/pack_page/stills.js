// The first page, which says what is asked, and the last one, which gives the answers back.

const KEPT = "Everything you do is kept in this browser, on this device, and nothing is sent anywhere. Close the page and open it again whenever you like. At the end, or at any time, download your answers and send that file back.";
const NOT_KEPT = "Nothing is sent anywhere. Download your answers before you close the page, and send that file back.";
const ALL = "put the answers to each prompt in order, from the best to the worst. Answers that are as good as each other are tied; what you leave out counts as below the rest.";
const TWO = "say of two answers at a time which one is the better, or that neither is. A few such questions give the order of all answers to a prompt.";

function showStart(page) {
  const count = page.pack.queue.length;
  const begin = make("button", { kind: "primary", text: "Begin", on: () => page.run(async () => {
    page.began = true;
    await page.store.write(new Map([["began", true]]));
    page.work.restart();
  }) });
  $("still-title").textContent = count === 1 ? "One prompt waits for you" : `${count.toLocaleString("en")} prompts wait for you`;
  $("still-text").replaceChildren(
    make("p", { text: `${page.pack.who}, ${page.work.method === "pairwise" ? TWO : ALL}` }),
    make("p", { text: page.store.kind === "nowhere" ? NOT_KEPT : KEPT }),
  );
  $("still-rules").replaceChildren(...$("rules-text").cloneNode(true).childNodes);
  const file = make("input", { type: "file", accept: ".json,application/json", hidden: true });
  file.addEventListener("change", () => takeUp(page, file.files[0]));
  const goOn = make("button", { kind: "quiet", text: "Go on from a file of answers", on: () => file.click() });
  $("still-buttons").replaceChildren(begin, goOn, file);
}

// From another browser or device, or where this one has forgotten.
async function takeUp(page, file) {
  const text = await file.text();
  page.run(async () => {
    try {
      await page.work.takeUp(rankingsOf(page.pack, text));
    } catch (error) {
      if (error instanceof DOMException || error instanceof Elsewhere) throw error;
      return page.trouble(error.message);
    }
    $("trouble").hidden = page.store.kind !== "nowhere" && !page.store.isCut;
    page.began = true;
    await page.store.write(new Map([["began", true]]));
    return page.work.restart();
  });
}

function showEnd(page) {
  const [{ done }, skipped] = [page.work.counted, page.work.skipped.length];
  const sent = stateOf(page.work) === page.work.sent;
  $("still-title").textContent = "All done";
  $("still-text").replaceChildren(
    make("p", { text: `You have ranked ${done === 1 ? "one prompt" : `${done.toLocaleString("en")} prompts`}${skipped ? ` and skipped ${skipped}` : ""}. ${sent ? "Your answers are downloaded: send the file back to whoever gave you this page." : "Download your answers, and send the file back to whoever gave you this page."}` }),
  );
  $("still-rules").replaceChildren();
  $("still-buttons").replaceChildren(
    make("button", { kind: "primary", text: sent ? "Download again" : "Download answers", on: () => page.download() }),
    ...(page.work.canUndo ? [make("button", { text: "Undo the last one", on: () => page.act("undo") })] : []),
    ...(skipped ? [make("button", { text: "Bring back what was skipped", on: () => page.act("unskip") })] : []),
  );
}

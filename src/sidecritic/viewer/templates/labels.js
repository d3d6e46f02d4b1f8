"use strict";
// Labels by a reader. They are kept in this browser, under the digest of the episode that they
// are about, until they are downloaded as the file that `datagen label --human` reads. Nothing
// is sent. Text of the run is only ever read as data, and never becomes markup.
(() => {
  const PREFIX = "sidecritic/label/";
  const NAME = "sidecritic/name";
  const every = (selector, root = document) => [...root.querySelectorAll(selector)];
  const episodes = new Map(
    every("[data-episode]").map((e) => [e.dataset.episode, JSON.parse(e.dataset.trajectory)]),
  );
  const bar = document.querySelector("footer.labels");
  const name = bar.querySelector("input");
  const labels = new Map(); // key: what a person said
  let kept = true;
  let fresh = false; // something was said since the last download

  const keyOf = (box) =>
    `${PREFIX}${box.closest("[data-episode]").dataset.episode}/${box.dataset.turn}/${box.dataset.attempt}`;

  const callOf = (option) => (option.value ? JSON.parse(option.value) : undefined);

  function placeOf(key) {
    const parts = key.startsWith(PREFIX) ? key.slice(PREFIX.length).split("/") : [];
    const [digest, turn, attempt] = [parts[0], Number(parts[1]), Number(parts[2])];
    return episodes.has(digest) ? { digest, turn, attempt } : null;
  }

  // --- what the browser keeps

  function hear(key, text) {
    if (placeOf(key) === null) return;
    try {
      const said = JSON.parse(text);
      if (said === null) labels.delete(key);
      else if (typeof said.wrong === "boolean") labels.set(key, said);
    } catch {
      // Another program wrote under this key: it is no label.
    }
  }

  function recall() {
    try {
      for (const key of Object.keys(localStorage)) hear(key, localStorage.getItem(key));
      name.value = localStorage.getItem(NAME) ?? "";
    } catch {
      kept = false;
    }
  }

  function keep(key, text) {
    try {
      if (text === null) localStorage.removeItem(key);
      else localStorage.setItem(key, text);
    } catch {
      kept = false;
    }
  }

  function say(key, said) {
    if (said === null) labels.delete(key);
    else labels.set(key, said);
    fresh = true;
    keep(key, said && JSON.stringify(said));
    paint();
  }

  // --- the file

  function lineOf([key, said]) {
    const { digest, turn, attempt } = placeOf(key);
    const line = { trajectory: episodes.get(digest), turn, attempt };
    if (said.wrong && said.call) line.call_id = said.call;
    line.wrong = said.wrong;
    const [feedback, by] = [said.wrong ? whole(said.feedback) : "", whole(name.value)];
    if (feedback) line.feedback = feedback;
    if (by) line.by = by;
    return JSON.stringify(line) + "\n";
  }

  // Half a character, as a cut can leave it, is no valid text of a JSON file.
  const whole = (text) => String(text ?? "").trim().replace(/\p{Surrogate}/gu, "\ufffd");

  function order([one], [other]) {
    const [a, b] = [placeOf(one), placeOf(other)];
    const all = [...episodes.keys()];
    return all.indexOf(a.digest) - all.indexOf(b.digest) || a.turn - b.turn || a.attempt - b.attempt;
  }

  function download() {
    const file = new Blob([...labels].sort(order).map(lineOf), { type: "application/jsonl" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = bar.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    fresh = false;
  }

  // --- what is seen

  function paintBox(box) {
    const said = labels.get(keyOf(box));
    for (const button of every("button", box)) {
      button.setAttribute("aria-pressed", String(said?.wrong === (button.value === "wrong")));
    }
    box.querySelector("div").hidden = !said?.wrong;
    const [text, choice] = [box.querySelector("textarea"), box.querySelector("select")];
    if (text.value !== (said?.feedback ?? "")) text.value = said?.feedback ?? "";
    for (const option of choice?.options ?? []) option.selected = callOf(option) === said?.call;
  }

  function paint() {
    every("fieldset.label").forEach(paintBox);
    const numbers = new Map();
    for (const key of labels.keys()) {
      const { digest } = placeOf(key);
      numbers.set(digest, (numbers.get(digest) ?? 0) + 1);
    }
    for (const cell of every(".count")) {
      cell.textContent = numbers.get(cell.parentElement.dataset.episode) ?? "";
    }
    const asked = every("fieldset.label").length;
    const of = asked ? ` of ${asked} actions` : " in this run";
    const status = bar.querySelector("[role=status]");
    const count = `labelled: ${labels.size}${of}`;
    // What did not change is not read out again.
    if (status.textContent !== count) status.textContent = count;
    bar.querySelector("button").disabled = labels.size === 0;
    bar.querySelector(".how .failed").hidden = kept;
  }

  // --- what a reader does

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    if (button.value === "download") return download();
    const key = keyOf(button.parentElement);
    const wrong = button.value === "wrong";
    const before = labels.get(key);
    say(key, before?.wrong === wrong ? null : { ...before, wrong });
  });

  document.addEventListener("input", (event) => {
    if (event.target === name) return keep(NAME, name.value);
    const box = event.target.closest("fieldset.label");
    const [text, choice] = [box.querySelector("textarea"), box.querySelector("select")];
    const call = choice ? callOf(choice.selectedOptions[0]) : undefined;
    say(keyOf(box), { wrong: true, feedback: text.value, call });
  });

  addEventListener("storage", (event) => {
    if (event.key !== null) hear(event.key, event.newValue);
    paint();
  });

  addEventListener("beforeunload", (event) => {
    if (fresh && !kept) event.preventDefault();
  });

  recall();
  paint();
  for (const each of every("fieldset.label, footer.labels, th[hidden], td.count")) {
    each.hidden = false;
  }
})();

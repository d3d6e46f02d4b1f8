(() => {
  const $ = (query) => document.querySelector(query);
  const rows = [...document.querySelectorAll("tr[data-row]")];
  const texts = new Map();

  const unpacked = async (number) => {
    const bytes = Uint8Array.from(atob($(`#z${number}`).textContent), (each) => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  // What is packed was escaped when it was written, and the page's policy lets no other script run.
  const open = async () => {
    const number = /^#e(\d+)$/.exec(location.hash)?.[1];
    const place = $("#episode");
    if (!number || !$(`#z${number}`)) return;
    place.innerHTML = await unpacked(number);
    const title = document.createElement("h2");
    title.textContent = rows[number - 1].innerText.replace(/\s+/g, " ");
    place.prepend(title);
    place.focus({ preventScroll: true });
    place.scrollIntoView();
  };
  const textOf = async (number) => {
    if (!texts.has(number)) {
      const page = new DOMParser().parseFromString(await unpacked(number), "text/html");
      texts.set(number, `${rows[number - 1].innerText} ${page.body.textContent}`.toLowerCase());
    }
    return texts.get(number);
  };
  let latest = 0;
  const search = async () => {
    const mine = ++latest;
    const words = $("#q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const show = $("#show").value;
    let found = 0;
    for (const [at, row] of rows.entries()) {
      const kept = !show || (show === "sent" ? "sent" in row.dataset : row.dataset.result === show);
      const text = kept && words.length ? await textOf(at + 1) : "";
      if (mine !== latest) return;
      row.hidden = !(kept && words.every((word) => text.includes(word)));
      found += !row.hidden;
    }
    $("#found").textContent = `${found} episodes`;
  };
  $("#q").addEventListener("input", search);
  $("#show").addEventListener("change", search);
  addEventListener("hashchange", open);
  open();
})();

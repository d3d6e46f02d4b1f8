// Keys, and what htmx must not disturb. Everything works without this file.
(() => {
  const $ = (query) => document.querySelector(query);
  const all = (query) => [...document.querySelectorAll(query)];
  const items = () => all(".talk > .entry, main > .turn, tr[data-row]");
  let place = null;

  const go = (item) => {
    if (!item) return;
    place?.classList.remove("at");
    place = item;
    item.classList.add("at");
    item.closest("details:not([open])")?.setAttribute("open", "");
    (item.matches("tr") ? item.querySelector("a") : item).focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
    if (item.id) history.replaceState(null, "", `#${item.id}`);
  };
  const step = (by, among) => {
    const list = items();
    const now = list.indexOf(place?.isConnected ? place : null);
    const order = by > 0 ? list.slice(now + 1) : list.slice(0, now < 0 ? list.length : now).reverse();
    go(order.find((each) => !among || each.matches(among)));
  };
  const follow = (query) => $(query)?.click();
  const label = (verdict) => {
    const form = place?.querySelector("form.label") ?? (all("form.label").length === 1 ? $("form.label") : null);
    form?.querySelector(`button.${verdict}`)?.click();
  };
  const help = () => ($("#help").open ? $("#help").close() : $("#help").showModal());

  const keys = {
    j: () => step(1), k: () => step(-1),
    n: () => step(1, "[data-intervention]"), p: () => step(-1, "[data-intervention]"),
    f: () => follow("#failed"), "[": () => follow("#before"), "]": () => follow("#after"), u: () => follow("#up"),
    r: () => label("right"), w: () => label("wrong"),
    "/": () => { $("#q")?.focus(); $("#q")?.select(); },
    "?": help,
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select");
    if (event.key === "Escape" && typing) return typing.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  $("#help-button").addEventListener("click", help);

  // A sentence of the policy is opened before it is shown.
  const open = () => {
    const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!named) return;
    named.closest("details")?.setAttribute("open", "");
    named.scrollIntoView({ block: "center" });
    if (named.matches(".entry")) go(named);
  };
  addEventListener("hashchange", open);
  open();

  // What somebody is typing into, or has the focus in, is not replaced.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const held = event.target;
    if (held.matches?.("[data-hold]") && (held.contains(document.activeElement) || [...held.querySelectorAll("input[name=feedback]")].some((each) => each.value))) event.preventDefault();
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (place && !place.isConnected) place = null;
  });
})();

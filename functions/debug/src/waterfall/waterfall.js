// The waterfall with a keyboard, zoom, a panel, the reader's zone, and what is new. Without it the page is a table. What
// others wrote is only ever moved as nodes: the page's policy forbids to make markup of text.
const $ = (id) => document.getElementById(id);
const table = $("w"), panel = $("panel"), more = $("more"), search = $("search"), keys = $("keys");
const rows = () => [...table.tBodies[0].rows].filter((row) => !row.hidden);

// Times

const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });
function localise(root) {
  for (const time of root.querySelectorAll("time")) time.textContent = zone.format(new Date(time.dateTime));
}
function moment(ms) {
  return `${exact.format(new Date(ms))} .${String(ms % 1000).padStart(3, "0")}`;
}

// One row is current

let here = "";
const current = () => $(here)?.closest("tr");
const handle = (row) => row.querySelector("summary, a") ?? row.cells[0];
// A row that opens to nothing of its own is a stop of the keyboard too.
function reach() {
  for (const row of table.tBodies[0].rows) if (handle(row) === row.cells[0]) row.cells[0].tabIndex = 0;
}
function choose(row) {
  if (!row) return;
  current()?.classList.remove("here");
  here = row.id;
  row.classList.add("here");
  handle(row).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  if (!panel.hidden) show(row);
}
function step(by, fits = () => true) {
  const all = rows();
  let at = all.indexOf(current());
  if (at < 0 && by < 0) at = all.length;
  do at += by; while (all[at] && !fits(all[at]));
  choose(all[at]);
}
const wrong = (row) => row.classList.contains("e");

// The panel

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}
/** `live`: whether it is read out, as it is when its reader chose it. */
function show(row, live = "polite") {
  more.ariaLive = live;
  const name = handle(row).textContent, [, what, start, took, status, calls] = row.cells;
  const list = element("dl");
  const add = (label, value) => value && list.append(element("dt", label), element("dd", value));
  add("What", what.textContent);
  const began = table.dataset.starts.split(",")[row.sectionRowIndex];
  if (began) add("Began", moment(Number(table.dataset.start) + Number(began)));
  add("After", start.textContent);
  add("Took", took.textContent);
  add("Status", status.textContent);
  add("Calls", calls.textContent);
  // An attempt, and an undo, open to what their step does.
  let of = row;
  while (/^[cu]/.test(of.className) && of.previousElementSibling) of = of.previousElementSibling;
  const details = (row.querySelector("details") ?? of.querySelector("details"))?.lastElementChild.cloneNode(true);
  for (const label of details?.children ?? []) {
    const key = label.textContent === "Key" && label.nextElementSibling;
    if (key) key.textContent = key.textContent.replace(/^…/, document.querySelector(".trail .id").textContent);
  }
  const title = of === row ? name : `${handle(of).textContent}, ${name}`;
  const link = element("a", "link to this");
  link.href = `#${row.id}`;
  more.replaceChildren(element("h2", title), list, ...(details ? [details] : []), link);
  panel.hidden = false;
  history.replaceState(null, "", `#${row.id}`);
}
function close() {
  if (keys.open) return keys.close();
  if (!panel.hidden) {
    panel.hidden = true;
    if (current()) handle(current()).focus({ preventScroll: true });
  } else if (search.value) {
    search.value = "";
    filter();
  }
}

// Zoom: so many times, and from which share of the whole on

let zoom = 1, left = 0;
// A rule of our own: a property of the table would have every cell looked at again.
const sheet = new CSSStyleSheet();
sheet.insertRule("#w td > svg, #w thead th > svg {}");
document.adoptedStyleSheets = [sheet];
const bars = sheet.cssRules[0].style;
function view(times, from) {
  zoom = Math.min(Math.max(times, 1), 5000);
  left = Math.min(Math.max(from, 0), 1 - 1 / zoom);
  bars.width = `${zoom * 100}%`;
  bars.marginLeft = `${left * zoom * -100}%`;
}
// What is at one share of the column is at the other then.
function zoomBy(factor, at, then = at) {
  const times = Math.min(Math.max(zoom * factor, 1), 5000);
  view(times, left + at / zoom - then / times);
}
function zoomOnto(factor) {
  const bar = current()?.querySelector("td > svg > rect")?.getBoundingClientRect();
  zoomBy(factor, bar ? share(bar.left + bar.width / 2) : 0.5, 0.5);
}
const pan = (share) => view(zoom, left + share / zoom);
const axis = () => table.tHead.rows[0].lastElementChild.getBoundingClientRect();
const share = (x) => (x - axis().left) / axis().width;
table.addEventListener("wheel", (event) => {
  if (event.ctrlKey) zoomBy(Math.exp(-event.deltaY / 200), share(event.clientX));
  else if (zoom > 1 && Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / axis().width);
  else return;
  event.preventDefault();
}, { passive: false });
let drag = null, dragged = false;
table.addEventListener("pointerdown", (event) => {
  const cell = event.target.closest("td, th");
  dragged = false;
  if (event.button !== 0 || cell !== cell?.parentElement.lastElementChild) return;
  drag = { from: share(event.clientX), x: event.clientX, left, range: cell.tagName === "TH" };
});
addEventListener("pointermove", (event) => {
  if (!drag || (!dragged && Math.abs(event.clientX - drag.x) < 4)) return;
  dragged = true;
  const at = Math.min(Math.max(share(event.clientX), 0), 1);
  if (drag.range) mark(Math.min(at, drag.from), Math.abs(at - drag.from));
  else view(zoom, drag.left - (event.clientX - drag.x) / axis().width / zoom);
});
addEventListener("pointerup", (event) => {
  if (drag?.range && dragged) {
    const [from, to] = [drag.from, Math.min(Math.max(share(event.clientX), 0), 1)].sort((a, b) => a - b);
    if (to > from) view(zoom / (to - from), left + from / zoom);
  }
  mark(0, 0);
  drag = null;
});
addEventListener("pointercancel", () => {
  mark(0, 0);
  drag = null;
});
function mark(from, width) {
  table.style.setProperty("--from", `${from * 100}%`);
  table.style.setProperty("--width", `${width * 100}%`);
}

// Search

function filter() {
  const wanted = search.value.trim().toLowerCase();
  let found = 0;
  for (const row of table.tBodies[0].rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    if (!row.hidden) found += 1;
  }
  $("found").textContent = wanted ? `${found} found` : "";
}
search.addEventListener("input", filter);

// Keys and buttons

const act = {
  j: () => step(1), k: () => step(-1), e: () => step(1, wrong), E: () => step(-1, wrong),
  "+": () => zoomOnto(1.6), "=": () => zoomOnto(1.6), "-": () => zoomOnto(1 / 1.6), 0: () => view(1, 0),
  ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15),
  "/": () => search.focus(), "?": () => keys.showModal(), Escape: close,
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && event.target.matches("#w tbody th")) {
    choose(event.target.parentElement);
    return show(event.target.parentElement);
  }
  if (event.target === search && event.key !== "Escape") {
    if (event.key === "Enter") choose(rows()[0]);
    return;
  }
  if (!Object.hasOwn(act, event.key) || (keys.open && event.key !== "Escape")) return;
  event.preventDefault();
  act[event.key]();
});
addEventListener("click", (event) => {
  const key = event.target.closest("[data-key]")?.dataset.key;
  if (key) return act[key]();
  const row = event.target.closest("#w tbody tr");
  const away = event.target.closest("a")?.getAttribute("href").startsWith("#") === false;
  if (!row || away || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (dragged) return void (dragged = false);
  if (!getSelection().isCollapsed) return;
  choose(row);
  show(row);
});

// A link to a span, which may stand among rows that are not here

function follow() {
  const id = location.hash.slice(1), row = $(id)?.closest("#w tbody tr"), asked = new URLSearchParams(location.search);
  if (row) {
    choose(row);
    if (id.startsWith("span-")) show(row);
  } else if (/^span-[0-9a-f]{16}$/.test(id) && asked.get("span") !== id.slice(5)) {
    asked.set("span", id.slice(5));
    location.replace(`?${asked}#${id}`);
  }
}
addEventListener("hashchange", follow);

// What is new: only cells that have changed are replaced, so that what is open, has the focus or is selected stays

const served = new Map();
const cells = (row) => [...row.cells].map((cell) => cell.outerHTML);
function remember() {
  for (const row of table.tBodies[0].rows) served.set(row.id, cells(row));
  for (const part of [$("top"), table.tHead]) served.set(part, part.outerHTML);
}
const selected = (part) => !getSelection().isCollapsed && getSelection().containsNode(part, true);
const stops = (part) => [...part.querySelectorAll("summary, a")];
function swap(old, fresh) {
  const made = document.importNode(fresh, true), focused = document.activeElement;
  const open = old.querySelector("details")?.open, at = stops(old).indexOf(focused);
  if (old === focused) made.tabIndex = 0;
  old.replaceWith(made);
  if (open) made.querySelector("details")?.setAttribute("open", "");
  (old === focused ? made : stops(made)[at])?.focus({ preventScroll: true });
  localise(made);
  return made;
}
let stale = false;
function renew(page) {
  const body = table.tBodies[0], next = page.getElementById("w");
  if (!next) return;
  let unseen = false;
  for (const [old, fresh] of [[$("top"), page.getElementById("top")], [table.tHead, next.tHead]]) {
    const markup = fresh.outerHTML;
    if (served.get(old) === markup) continue;
    if (selected(old)) {
      unseen = true;
      continue;
    }
    served.delete(old);
    served.set(swap(old, fresh), markup);
  }
  [...next.tBodies[0].rows].forEach((fresh, place) => {
    const now = cells(fresh), before = served.get(fresh.id);
    let row = $(fresh.id)?.closest("tr");
    if (row && row.id === fresh.id && before) {
      for (const [at, markup] of now.entries()) {
        if (markup === before[at]) continue;
        if (selected(row.cells[at])) {
          [now[at], unseen] = [before[at], true];
          continue;
        }
        swap(row.cells[at], fresh.cells[at]);
        if (row.id === here) stale = true;
      }
      row.className = fresh.className + (row.id === here ? " here" : "");
    } else {
      row = document.importNode(fresh, true);
      localise(row);
    }
    served.set(fresh.id, now);
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
  });
  while (body.rows.length > next.tBodies[0].rows.length) {
    served.delete(body.lastElementChild.id);
    body.lastElementChild.remove();
  }
  table.dataset.starts = next.dataset.starts;
  reach();
  if (stale && !panel.hidden && current() && !selected(more)) {
    show(current(), "off");
    stale = false;
  }
  if (search.value) filter();
  const live = page.querySelector("main").hasAttribute("data-live");
  document.querySelector("main").toggleAttribute("data-live", live || unseen);
}
let pause = 2000;
function look() {
  if (!document.querySelector("main").hasAttribute("data-live")) return;
  if (document.hidden) return document.addEventListener("visibilitychange", look, { once: true });
  const ask = new XMLHttpRequest();
  ask.open("GET", location.pathname + location.search);
  ask.responseType = "document";
  ask.onloadend = () => {
    if (ask.status === 200 && ask.responseXML) renew(ask.responseXML);
    pause = ask.status === 200 ? 2000 : Math.min(pause * 2, 60000);
    setTimeout(look, pause);
  };
  ask.send();
}

// The page is whole without it, and is drawn first.
requestAnimationFrame(() => setTimeout(() => {
  remember();
  localise(document);
  reach();
  $("tools").hidden = false;
  follow();
  setTimeout(look, pause);
}));

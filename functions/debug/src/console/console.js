// What operators do: verbs, each put to a saga after a dialog has said what will happen; the same to several; views of
// one's own; and what is new. Whatever others wrote is put in as text: the page's policy forbids to make markup of it.
const $ = (id) => document.getElementById(id);
const news = $("news"), door = $("door"), bulk = $("bulk");
const pause = (time) => new Promise((done) => setTimeout(done, time));

function el(tag, about, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(about ?? {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...inside);
  return made;
}

/** Shows what needs a script. */
function show(root) {
  for (const one of root.querySelectorAll("[data-script]")) one.hidden = false;
}

// Who asks: by the token that this tab keeps, which the page `/` knows too. A browser may refuse to keep it.

let memory = {};
function kept() {
  try {
    memory = JSON.parse(sessionStorage.getItem("makegood")) ?? memory;
  } catch {}
  return memory;
}
function keep(token) {
  memory = { ...kept(), token };
  try {
    sessionStorage.setItem("makegood", JSON.stringify(memory));
  } catch {}
}

/** An answer that is a no. */
class Refusal extends Error {}

/** Puts a verb to a saga, and says how the saga stands then. */
async function put(saga, verb, body) {
  const { token } = kept();
  const answer = await fetch(`/api/execute/${encodeURIComponent(saga)}/${verb}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body,
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said.phase;
  const refusal = new Refusal(said.detail ?? `The installation answered ${answer.status}.`);
  const after = Number(answer.headers.get("retry-after")) || 1;
  throw Object.assign(refusal, { status: answer.status, after, violations: said.violations ?? [] });
}

const STANDS = {
  forward: "It is under way.",
  unwinding: "It is being undone.",
  completed: "It is completed.",
  made_good: "It is made good: nothing of it is left.",
  stuck: "It still needs a person.",
};

/** What went wrong, and what to do. */
function trouble(error) {
  const { status, after, message } = error;
  if (!(error instanceof Refusal)) return `The installation cannot be reached (${message}). Nothing is known to have happened: look again.`;
  if (status === 401 || status === 403) {
    door.open = true;
    const why = status === 401 && !kept().token ? "Nobody is let in here without a token." : message;
    return `${why} Close this, give a token that may do it at the end of the page, and try again.`;
  }
  if (status === 409) return `${message} Close this and look again.`;
  if (status === 429) return `${message} Wait ${after} s.`;
  return message;
}

// Dialogs

addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.opens) $(button.dataset.opens).showModal();
  if (button && "close" in button.dataset) button.closest("dialog").close();
});

/** Says it, with all that is wrong where that is more than one thing. */
function tell(place, error) {
  const { violations = [] } = error;
  const all = violations.length > 1 ? [el("ul", null, ...violations.map(({ message }) => el("li", null, message)))] : [];
  place.replaceChildren(trouble(error), ...all);
}

/** The body that a dialog's fields make. Throws where one is no JSON. What is goes as it was written: read and written
    again, 20.0 would be 20, and a long number another. */
function filled(form) {
  const members = new Map(Object.entries(JSON.parse(form.dataset.body)).map(([name, value]) => [name, JSON.stringify(value)]));
  for (const field of form.elements) {
    const text = field.name && field.value.trim();
    if (!text) continue;
    try {
      if ("json" in field.dataset) JSON.parse(text);
      members.set(field.name, "json" in field.dataset ? text : JSON.stringify(text));
    } catch ({ message }) {
      const name = form.querySelector(`label[for="${field.id}"]`).textContent;
      throw Object.assign(new Refusal(`This is no JSON: ${name}. A text stands between quotes. (${message})`), { field });
    }
  }
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`)}}`;
}

addEventListener("submit", async (event) => {
  const form = event.target, { saga, verb } = form.dataset;
  if (!verb) return;
  event.preventDefault();
  const [problem, button] = [form.querySelector(".problem"), form.querySelector("[type=submit]")];
  problem.textContent = "";
  button.disabled = true;
  try {
    const phase = await put(saga, verb, filled(form));
    form.closest("dialog").close();
    form.reset();
    news.textContent = `${button.textContent}: asked for, and heard. ${STANDS[phase] ?? ""}`;
    news.focus();
    await renew();
    follow();
  } catch (error) {
    // Who closed the dialog meanwhile is told all the same.
    const open = form.closest("dialog").open;
    tell(open ? problem : news, error);
    button.disabled = false;
    (open ? error.field ?? button : news).focus();
    return;
  }
  button.disabled = false;
});

// What is new: the part of the page that tells of the saga is replaced, and what is open or has the focus stays so

let live = $("live");
let served = live?.outerHTML;
const stops = (root) => [...root.querySelectorAll("a, button, summary, [tabindex]")];
const mark = (one) => `${one.closest("[id]")?.id} ${one.tagName} ${one.textContent}`;

/** What was typed into a dialog and not sent stays there, though it was closed over a refusal. */
function keepTyped(before, after) {
  const field = (one) => {
    const { verb, body } = one.closest("form").dataset;
    return `${verb} ${body} ${one.name}`;
  };
  const typed = [...before.querySelectorAll("dialog textarea")].filter((one) => one.value !== one.defaultValue);
  const values = new Map(typed.map((one) => [field(one), one.value]));
  for (const one of after.querySelectorAll("dialog textarea")) one.value = values.get(field(one)) ?? one.value;
}

/** The page as it is now; nothing where nobody answers. */
const look = () => new Promise((done) => {
  const ask = new XMLHttpRequest();
  ask.open("GET", location.pathname + location.search);
  ask.responseType = "document";
  ask.onloadend = () => done(ask.status === 200 ? ask.responseXML : null);
  ask.send();
});

/** False where nobody answers. */
async function renew() {
  const fresh = (await look())?.getElementById("live");
  if (!fresh) return false;
  const markup = fresh.outerHTML;
  const selected = !getSelection().isCollapsed && getSelection().containsNode(live, true);
  if (markup === served || selected || document.querySelector("dialog[open]")) return true;
  served = markup;
  const made = document.importNode(fresh, true);
  const open = new Map([...live.querySelectorAll("summary")].map((one) => [mark(one), one.parentElement.open]));
  for (const one of made.querySelectorAll("summary")) {
    if (open.has(mark(one))) one.parentElement.open = open.get(mark(one));
  }
  keepTyped(live, made);
  show(made);
  const at = live.contains(document.activeElement) && mark(document.activeElement);
  live.replaceWith(made);
  live = made;
  if (at) (stops(made).find((one) => mark(one) === at) ?? news).focus({ preventScroll: true });
  return true;
}

let following = false;
/** Looks again until the saga rests: less often where nobody answers, and not where nobody sees it. */
async function follow() {
  if (following || !live) return;
  following = true;
  for (let wait = 2_000; "live" in live.dataset; ) {
    await pause(wait);
    if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
    wait = (await renew()) ? 2_000 : Math.min(2 * wait, 60_000);
  }
  following = false;
}

// Several at once

const all = $("all");
const picks = () => [...document.querySelectorAll(".pick")];
const picked = () => picks().filter((one) => one.checked);
const sagas = (count) => `${count} saga${count === 1 ? "" : "s"}`;
const named = (pick) => pick.closest("tr").querySelector("a").textContent;

function counted() {
  const count = picked().length;
  $("picked").textContent = count ? `${sagas(count)} chosen` : "";
  for (const button of document.querySelectorAll("[data-bulk]")) button.disabled = !count;
  all.checked = count > 0 && count === picks().length;
  all.indeterminate = count > 0 && !all.checked;
}

/** Several verbs in a row may be too many in a moment: then it waits, as long as it is told to. */
async function patiently(saga, verb) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await put(saga, verb, "{}");
    } catch (error) {
      if (error.status !== 429 || tries === 5) throw error;
      await pause(1_000 * error.after);
    }
  }
}

if (bulk) {
  const form = $("bulk-form"), list = $("bulk-list"), told = $("bulk-told");
  const [button, leave] = form.querySelectorAll("button");
  let verb = "", done = false;
  document.addEventListener("change", (event) => {
    if (event.target === all) for (const one of picks()) one.checked = all.checked;
    if (event.target === all || event.target.matches(".pick")) counted();
  });
  for (const opener of document.querySelectorAll("[data-bulk]")) {
    opener.addEventListener("click", () => {
      verb = opener.dataset.bulk;
      const chosen = picked();
      $("bulk-title").textContent = `${opener.textContent}: ${sagas(chosen.length)}`;
      $("bulk-says").textContent = opener.dataset.says;
      list.replaceChildren(...chosen.map((one) => el("li", null, named(one))));
      button.textContent = `${opener.textContent}: ${sagas(chosen.length)}`;
      bulk.showModal();
    });
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    [button.disabled, leave.disabled, done] = [true, true, true];
    const chosen = picked();
    let well = 0;
    for (const [place, one] of chosen.entries()) {
      told.textContent = `${place + 1} of ${chosen.length} …`;
      const line = list.children[place];
      try {
        line.append(`: ${STANDS[await patiently(one.value, verb)] ?? "It was heard."}`);
        well += 1;
      } catch (error) {
        line.append(": ", el("span", { class: "problem" }, trouble(error)));
        // Nobody is let in by this token: that is the same for the rest of them.
        if (error.status === 401 || error.status === 403) break;
      }
    }
    if (!bulk.open) location.reload();
    told.textContent = `${well} of ${sagas(chosen.length)} heard it.`;
    button.hidden = true;
    [leave.disabled, leave.textContent] = [false, "Close, and look again"];
    leave.focus();
  });
  // Not in the midst of it, and then the list as it is now.
  bulk.addEventListener("cancel", (event) => leave.disabled && event.preventDefault());
  bulk.addEventListener("keydown", (event) => event.key === "Escape" && leave.disabled && event.preventDefault());
  bulk.addEventListener("close", () => done && !leave.disabled && location.reload());
  counted();
}

// One's own views: names and addresses, in this browser

const own = $("own");
function views() {
  try {
    const found = JSON.parse(localStorage.getItem("makegood.views"));
    return Array.isArray(found) ? found.filter(({ name, query }) => name && typeof query === "string") : [];
  } catch {
    return [];
  }
}
function keepViews(all) {
  try {
    localStorage.setItem("makegood.views", JSON.stringify(all));
    return true;
  } catch {
    return false;
  }
}
/** What is asked for here, whichever page of it. */
function here() {
  const asked = new URLSearchParams(location.search);
  for (const [name, value] of [...asked]) if (!value || ["before", "saga"].includes(name)) asked.delete(name);
  return asked.toString();
}
function showViews() {
  const known = views();
  own.hidden = known.length === 0;
  own.replaceChildren(...known.map(({ name, query }) => {
    const forget = () => {
      keepViews(views().filter((one) => one.name !== name));
      news.textContent = `The view “${name}” is forgotten.`;
      showViews();
      news.focus();
    };
    const current = query === here() ? { "aria-current": "true" } : {};
    return el("li", null,
      el("a", { href: query ? `${location.pathname}?${query}` : location.pathname, ...current }, name),
      el("button", { type: "button", "aria-label": `Forget the view ${name}`, onclick: forget }, "×"));
  }));
}
if (own) {
  $("keep").addEventListener("submit", () => {
    const name = $("name").value.trim();
    if (!name) return;
    const stays = keepViews([...views().filter((one) => one.name !== name), { name, query: here() }]);
    news.textContent = stays ? `The view “${name}” is kept.` : "This browser keeps nothing: take its address as a bookmark.";
    showViews();
    news.focus();
  });
  showViews();
}

$("sign").addEventListener("submit", (event) => {
  event.preventDefault();
  keep($("token").value.trim());
  $("token").value = "";
  door.open = false;
  news.textContent = kept().token ? "The token is used from now on." : "No token is used any more.";
  news.focus();
});
door.hidden = false;
show(document);
follow();

// The conversation of the page `/`: sends what is said, shows what comes of it, and follows the sagas that start.
import { Card, el, shown } from "./card.js";

const [conversation, news, form, message, first, welcome, afresh, door, token] = [
  "conversation", "news", "talk", "message", "first", "welcome", "afresh", "door", "token",
].map((id) => document.getElementById(id));

// What this tab knows: the conversation, its sagas, and a token. A browser may refuse to keep it.
const kept = { conversation: null, sagas: [], token: "" };
try {
  Object.assign(kept, JSON.parse(sessionStorage.getItem("makegood")));
} catch {}
function keep(more) {
  Object.assign(kept, more);
  try {
    sessionStorage.setItem("makegood", JSON.stringify(kept));
  } catch {}
}

const cards = new Map();
const followed = new Set();
/** The plan that waits for a yes: its message where it was only read, and its card. */
let open = null;

const pause = (time) => new Promise((done) => setTimeout(done, time));

/** An answer that is a no. */
class Refusal extends Error {}

/** Asks the installation. Where it cannot be reached this throws a `TypeError`, as `fetch` does. */
async function ask(path, body, headers = {}) {
  const sent = { ...headers };
  if (kept.token) sent.authorization = `Bearer ${kept.token}`;
  if (body) sent["content-type"] = "application/json";
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers: sent, body: body && JSON.stringify(body) });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const refusal = new Refusal(problem.detail ?? `The installation answered ${answer.status}.`);
  throw Object.assign(refusal, { status: answer.status, after: Number(answer.headers.get("retry-after")) || 0 });
}

const read = async (path, body) => (await ask(path, body)).json();

/** Tells what is new to who does not see it. */
function tell(text) {
  news.append(el("p", null, text));
  while (news.childElementCount > 6) news.firstElementChild.remove();
}

function add(node) {
  welcome.hidden = true;
  afresh.hidden = false;
  conversation.append(node);
  node.scrollIntoView({ block: "nearest" });
}

function bubble(who, text, ...more) {
  const name = who === "you" ? "You: " : "Makegood: ";
  add(el("div", { class: `said ${who}` }, el("p", null, el("span", { class: "unseen" }, name), shown(text)), more));
  if (who !== "you") tell(text);
}

/** What went wrong, and what to do. `again` says it once more. */
function trouble(error, again) {
  const { status, after } = error;
  let text = error instanceof Refusal ? error.message : "The installation cannot be reached.";
  if (!(error instanceof Refusal || error instanceof TypeError)) text = `That is a fault of this page: ${error.message}`;
  if (status === 401 && !kept.token) text = "Nobody is let in here without a token.";
  if (status === 401 || status === 403) {
    text += " Sign in with a token below, and say it again.";
    door.open = true;
  } else if (status === 429) text += ` Wait ${after || 1} s.`;
  const button = again && el("button", { type: "button", onclick: (event) => {
    event.target.remove();
    message.focus();
    again();
  } }, "Try again");
  bubble("agent", text, button);
}

function busy(is) {
  form.ariaBusy = is;
  form.querySelector("button").disabled = is;
}

/** A key by which a repeat is known. */
const key = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A message, as the API takes it: with where its sender is. */
function said(text) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  const where = /^(?!Etc)\w+\//.test(zone) ? { time_zone: zone } : { utc_offset_minutes: -new Date().getTimezoneOffset() };
  return { message: text, ...where, ...(kept.conversation && { conversation: kept.conversation }) };
}

const YES = /^(y|yes|ok|okay|do it|ja|sí|si)(,? (please|bitte|por favor))?[.!]?$/i;
const NO = /^(n|no|forget it|nein)(,? (thanks|danke|gracias))?[.!]?$/i;

/** Says something, as if it were typed. */
async function say(text) {
  bubble("you", text);
  const [before, mine] = [open, key()];
  before?.card.choose([]);
  await send(async () => {
    try {
      await hear(text, before, mine);
    } catch (error) {
      if (error.status !== 404 || !kept.conversation) throw error;
      // Its day is over. What was said begins another.
      keep({ conversation: null });
      await hear(text, before, mine);
    }
  });
}

/** Does what may fail, and offers to do it again. */
async function send(deed) {
  busy(true);
  try {
    await deed();
  } catch (error) {
    trouble(error, error.status === undefined || error.status >= 429 ? () => send(deed) : null);
  } finally {
    busy(false);
  }
}

/** `mine`: the key of what is said. However often it is tried, it is the same. */
async function hear(text, before, mine) {
  const wish = before?.message;
  if (wish && NO.test(text)) {
    open = null;
    return bubble("agent", "Then nothing is done.");
  }
  if (wish && YES.test(text) && !before.agreed) {
    // The words are read once more, by a later clock. What was not shown is not agreed to.
    const now = await read("/api/intent", said(wish));
    if (now.turn !== "started" || steps(now) !== before.steps) {
      bubble("agent", "That would be another plan by now.");
      if (!(await preview(wish, mine))) await start(wish, mine);
      return;
    }
    before.agreed = true;
  }
  if (before && YES.test(text)) return start(wish ?? text, before.key ?? mine, before.card);
  // What is said of a plan that is only shown belongs to it, where it makes a plan with it.
  const ways = wish ? [`${wish.replace(/[.!?]?\s*$/, ".")} ${text}`, text] : [text];
  if (first.checked || wish) {
    for (const way of ways) if (await preview(way, mine)) return;
  }
  await start(text, mine);
}

/** Shows what would be done. False where nothing would be started without another word. */
async function preview(text, mine) {
  const would = await read("/api/intent", said(text));
  if (would.turn === "confirm") {
    await start(text, mine);
    return true;
  }
  if (would.turn !== "started" || would.how?.confirm) return false;
  bubble("agent", `${would.say} Shall I? Say yes or no, or what to change.`);
  offer(would, { message: text, key: mine });
  return true;
}

/** What a plan would do, to be compared. */
const steps = (plan) => JSON.stringify((plan.reading ?? plan).steps);

function offer(plan, about) {
  const card = new Card({}, tell);
  card.offer(plan.reading ?? plan, [["Yes", () => answer("yes")], ["No", () => answer("no"), "no"]]);
  open = { ...about, card, steps: steps(plan) };
  add(card.node);
}

function answer(word) {
  message.focus();
  say(word);
}

/** Has it carried out, or answered. `card`: where its plan was shown. */
async function start(text, key, card) {
  const heard = await read("/api/chat", { ...said(text), key });
  open = null;
  keep({ conversation: heard.conversation ?? kept.conversation });
  bubble("agent", heard.say);
  if (heard.turn === "confirm") offer(heard, {});
  else if (heard.saga) follow(heard.saga, heard.turn === "started" ? card : null);
}

/** Shows how a saga goes until it rests, whatever becomes of the connection. */
async function follow(saga, card = null) {
  const mine = cards.get(saga) ?? card ?? new Card({}, tell);
  mine.saga = saga;
  mine.deeds = {
    decide: (step, hash, approve) => verb(mine, approve ? "approve" : "reject", { step, hash }),
    cancel: () => verb(mine, "cancel", {}),
    change: () => {
      tell("Say what to change: make it six, or forget the ride.");
      message.placeholder = "make it six, forget the ride, …";
      message.focus();
    },
  };
  if (!cards.has(saga)) {
    cards.set(saga, mine);
    add(mine.node);
    if (!kept.sagas.includes(saga)) keep({ sagas: [...kept.sagas, saga] });
  }
  if (followed.has(saga)) return;
  followed.add(saga);
  let [seen, wait] = ["", 1_000];
  const look = async () => {
    mine.show(await read(`/api/execute/${saga}`));
    mine.lost.hidden = true;
  };
  for (;;) {
    try {
      await look();
      if (mine.rests) break;
      if (document.hidden) {
        await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
        continue;
      }
      const stream = await ask(`/api/execute/${saga}/events`, null, seen ? { "last-event-id": seen } : {});
      for await (const id of events(stream)) {
        [seen, wait] = [id, 1_000];
        await look();
      }
      // The end of an invocation, and not of the saga.
      if (!mine.rests) await pause(250);
    } catch (error) {
      if (error instanceof Refusal && error.status < 429) {
        trouble(error);
        break;
      }
      mine.lost.hidden = false;
      await pause(Math.max(wait, 1_000 * (error.after ?? 0)));
      wait = Math.min(2 * wait, 15_000);
    }
  }
  followed.delete(saga);
}

/** The last number of each piece of a stream that has any. What happened, the saga's report says. */
async function* events(answer) {
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value;
      const whole = rest.lastIndexOf("\n\n");
      const id = [...rest.slice(0, whole + 1).matchAll(/^id: ?(\d+)$/gm)].at(-1)?.[1];
      rest = rest.slice(whole + 1);
      if (id) yield id;
    }
  } finally {
    // Who was told and could not look leaves it open otherwise.
    reader.cancel().catch(() => {});
  }
}

/** Puts a verb to a saga. */
async function verb(card, name, body) {
  message.focus();
  await send(async () => {
    await ask(`/api/execute/${card.saga}/${name}`, body);
    card.show(await read(`/api/execute/${card.saga}`));
    follow(card.saga);
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = message.value.trim();
  if (!text || form.ariaBusy === "true") return;
  [message.value, message.placeholder] = ["", ""];
  say(text);
});
message.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
document.getElementById("sign").addEventListener("submit", (event) => {
  event.preventDefault();
  keep({ token: token.value.trim() });
  token.value = "";
  door.open = false;
  tell(kept.token ? "The token is used from now on." : "No token is used any more.");
  message.focus();
  recall();
});
afresh.addEventListener("click", () => {
  keep({ conversation: null, sagas: [] });
  // Without the saga that the address names.
  location.assign(location.pathname);
});
for (const example of document.querySelectorAll("#examples button")) {
  example.addEventListener("click", () => {
    message.focus();
    say(example.textContent);
  });
}
document.getElementById("without").hidden = true;
for (const part of [form, door, document.getElementById("examples")]) part.hidden = false;

/** After a reload: the sagas of this conversation, each with what was said; and one that the address names: `/#sg_…`. */
async function recall() {
  const [named] = location.hash.match(/sg_\w+/) ?? [];
  if (named && !kept.sagas.includes(named)) keep({ sagas: [...kept.sagas, named] });
  for (const saga of kept.sagas) {
    if (followed.has(saga) || cards.get(saga)?.rests) continue;
    const report = await read(`/api/execute/${saga}`).catch((error) => error);
    if (report.status === 401) door.open = true;
    // Another's, or one that is not there any more. What only did not answer now is looked for again.
    if (report instanceof Refusal && report.status < 429) continue;
    if (report.phase && report.message && !cards.has(saga)) bubble("you", report.message);
    follow(saga);
  }
}
recall();
addEventListener("hashchange", recall);

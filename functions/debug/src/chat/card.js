// A plan and what becomes of it, as people see it. Whatever tools and users wrote is put in as text, never as markup.

const CLASSES = {
  query: "only looks",
  compensatable: "can be undone",
  pivot: "final: no way back once it is done",
  retriable: "final: repeated until it succeeds",
};
// A mark, and the words for it: neither colour nor mark says anything alone.
const STANDINGS = {
  pending: ["○", "to come"],
  running: ["◐", "under way"],
  waiting: ["◔", "waiting"],
  queued: ["◔", "waiting for its turn"],
  asking: ["?", "waiting for a yes"],
  skipped: ["–", "left out"],
  done: ["✓", "done"],
  refused: ["✕", "refused"],
  undoing: ["◐", "being undone"],
  undone: ["↺", "undone"],
  fenced: ["↺", "had no effect, and a late try is kept out"],
  abandoned: ["–", "not begun, and not done"],
  held: ["!", "needs a person"],
};
const PHASES = {
  forward: "Under way",
  unwinding: "It turned round, and is being undone",
  completed: "Done, all of it",
  made_good: "Made good: nothing of it is left",
  stuck: "It needs a person",
};

/** An element. Of `about`, what begins with `on` is heard, and all else is an attribute. */
export function el(tag, about, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(about ?? {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...inside.flat(9).filter((part) => part || part === 0));
  return made;
}

/** A text of somebody else's: what cannot be seen is spelt out, and it turns nothing beside it round. */
export function shown(text) {
  const hidden = /(?![\n\t\uFE0F])[\p{Cc}\p{Cf}\u034F\u115F\u1160\u2028\u2029\u2800\u3164\uFFA0\uFE00-\uFE0E]/gu;
  const code = (char) => `[U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
  return el("bdi", null, String(text).replace(hidden, code));
}

/** `party_size` as `Party size`. */
function label(name) {
  const words = name.replace(/[_-]+/g, " ").replace(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`).trim();
  return /^[A-Za-z0-9 ]+$/.test(words) ? words[0].toUpperCase() + words.slice(1) : name;
}

const money = (minor) => (minor < 0 ? "-" : "") + (Math.abs(minor) / 100).toFixed(2);

function value(given) {
  if (given === null || given === "") return "nothing";
  if (typeof given === "boolean") return given ? "yes" : "no";
  if (Array.isArray(given)) return el("ul", null, given.map((item) => el("li", null, value(item))));
  if (typeof given === "object") return fields(given);
  const from = typeof given === "string" && given.match(/^\$([^.$\s]+)\.(\S+)$/);
  return from ? [shown(label(from[2])), " of ", shown(from[1])] : shown(String(given).replace(/^\$\$/, "$"));
}

function fields(params) {
  const pairs = Object.entries(params).map(([name, given]) => [
    el("dt", null, shown(label(name))),
    el("dd", null, value(given)),
  ]);
  return el("dl", null, pairs);
}

/** What tools are called, as far as plans have told. */
const titles = {};

function titleOf(step) {
  if (step.title) titles[step.tool] = step.title;
  return titles[step.tool] ?? (step.tool ? label(step.tool) : "Wait");
}

/** How a step stands, in words. */
function standing(step, undone) {
  const calls = (step.attempts ?? []).filter((attempt) => attempt.op === "do");
  const last = step.attempts?.at(-1);
  if (step.standing === "waiting" && calls.length) return `no answer; comes to try ${calls.length + 1}`;
  if (step.standing === "running" && calls.length > 1) return `under way, try ${calls.length}`;
  if (step.standing === "undoing" && last?.outcome === "no answer") return "its undo had no answer; it is tried again";
  const [, words] = STANDINGS[step.standing] ?? ["", step.standing];
  const place = undone.indexOf(step.id) + 1;
  return place && undone.length > 1 ? `${words}, ${place} of ${undone.length}` : words;
}

/** One plan: shown first, then followed. `deeds` has what its buttons do: `decide`, `cancel`, `change`. */
export class Card {
  constructor(deeds, tell) {
    Object.assign(this, { deeds, tell, saga: null, phase: null, drawn: new Map() });
    this.title = el("h2");
    this.state = el("p", { class: "state" });
    this.steps = el("ol");
    this.lost = el("p", { class: "warn", hidden: true }, "The connection was lost. It goes on without you; looking again …");
    this.choice = el("div", { class: "choice" });
    this.link = el("p", { class: "soft" });
    this.node = el("article", { class: "card" }, this.title, this.state, this.steps, this.lost, this.choice, this.link);
  }

  /** A plan that was not begun. `choices`: what can be said to it. */
  offer(plan, choices) {
    this.title.replaceChildren(shown(plan.summary || "The plan"));
    this.state.textContent = "Nothing is done yet.";
    if (plan.cost_minor) this.state.textContent += ` All of it costs ${money(plan.cost_minor)}.`;
    this.draw((plan.steps ?? []).map((step, ix) => ({ ...step, ix, standing: "pending" })), [], true);
    this.choose(choices);
  }

  /** The buttons below it. */
  choose(choices) {
    const button = ([words, deed, kind]) => el("button", { type: "button", class: kind ?? "", onclick: deed }, words);
    this.choice.replaceChildren(...choices.map(button));
  }

  get rests() {
    return ["completed", "made_good", "stuck"].includes(this.phase);
  }

  /** How its saga stands now. */
  show(report) {
    const before = this.phase;
    if (!before) this.clear();
    this.phase = report.phase;
    this.node.dataset.phase = report.phase;
    this.title.replaceChildren(shown(report.title || "The plan"));
    const why = report.cause ?? report.paused;
    this.state.replaceChildren(el("strong", null, PHASES[report.phase] ?? report.phase, "."), " ", why ? shown(why) : "");
    if (report.left?.length) {
      const left = report.left.map(({ step, standing, detail }) =>
        el("li", null, shown(step), `: ${STANDINGS[standing]?.[1] ?? standing}`, detail ? [". ", shown(detail)] : ""));
      this.state.append(" Left to see to:", el("ul", null, left));
    }
    this.draw(report.steps, report.undone ?? [], false);
    if (before === this.phase) return;
    if (before || this.rests) this.tell(this.state.textContent);
    this.choose(this.phase === "forward" ? [["Change something", this.deeds.change], ["Cancel it", this.deeds.cancel, "no"]] : []);
    const page = `/debug/sagas/${encodeURIComponent(this.saga)}`;
    this.link.replaceChildren(el("a", { href: page }, "Every attempt, over time"), " (for operators)");
  }

  clear() {
    this.steps.replaceChildren();
    this.drawn.clear();
  }

  draw(all, undone, open) {
    // What only gathers the parts of a step, `text[0]` or `table~1`, does nothing itself.
    const heads = new Set();
    for (const { id } of all) for (const { index } of id.matchAll(/[~[]/g)) heads.add(id.slice(0, index));
    const steps = all.filter(({ id }) => !heads.has(id));
    const kept = new Set(steps.map(({ ix }) => ix));
    for (const step of steps) {
      const words = standing(step, undone);
      const seen = JSON.stringify([words, step.standing, step.detail, step.params, step.approval, step.remarks, open]);
      const before = this.drawn.get(step.ix);
      if (before?.seen === seen) continue;
      const was = before?.node.querySelector("details")?.open;
      const focused = before?.node.querySelector("summary")?.matches(":focus");
      const node = this.step(step, words, open, was);
      if (before) before.node.replaceWith(node);
      else this.steps.append(node);
      if (focused) node.querySelector("summary")?.focus({ preventScroll: true });
      this.drawn.set(step.ix, { seen, node, words });
      if (before && before.words !== words) this.tell(`${titleOf(step)}: ${words}`);
    }
    for (const [ix, { node }] of this.drawn) {
      if (kept.has(ix)) continue;
      node.remove();
      this.drawn.delete(ix);
    }
  }

  /** `was`: whether what it is done with was open, where it was drawn before. */
  step(step, words, open, was) {
    const asks = step.standing === "asking" && step.approval;
    const gone = ["undone", "fenced", "abandoned"].includes(step.standing);
    const about = [CLASSES[step.class]];
    if (step.cost_minor) about.push(`costs ${money(step.cost_minor)}`);
    const [, whole, nth] = step.id.match(/^(.+)~(\d+)$/) ?? [];
    if (nth > 1) about.push("only where the one before it is refused");
    const after = (step.after ?? []).filter((id) => !whole || !id.startsWith(`${whole}~`));
    if (after.length) about.push(`after ${after.join(", ")}`);
    return el("li", { class: `step ${step.standing}` },
      el("p", { class: "head" },
        el("span", { class: "mark", "aria-hidden": "true" }, STANDINGS[step.standing]?.[0] ?? ""),
        el(gone ? "s" : "strong", null, shown(titleOf(step))), " ", el("code", null, shown(step.id)), " ",
        el("span", { class: "standing" }, words)),
      el("p", { class: "soft" }, shown(about.filter(Boolean).join(" · "))),
      step.detail && el("p", { class: "detail" }, shown(step.detail)),
      Object.keys(step.params ?? {}).length > 0 &&
        el("details", { open: Boolean(asks) || (was ?? (open && !(nth > 1))) }, el("summary", null, "What with"), fields(step.params)),
      (step.remarks ?? []).map((one) =>
        el("p", { class: "soft" }, shown(one.by), ` ${one.what}`, one.note ? [": ", shown(one.note)] : "")),
      asks && this.approval(step, asks));
  }

  /** What people are asked about a step. Where nobody is named, its owner decides. */
  approval(step, ask) {
    const decide = (approve) => () => this.deeds.decide(step.id, ask.hash, approve);
    const until = new Date(ask.until).toLocaleString();
    return el("div", { class: "ask" },
      ask.question && el("p", null, el("strong", null, shown(ask.question))),
      el("p", null, `This is done exactly as shown, if you agree. There is time until ${until}.`),
      ask.by.length
        ? el("p", null, "It is for others to decide: ", shown(ask.by.join(", ")), ".")
        : el("div", { class: "choice" },
            el("button", { type: "button", onclick: decide(true) }, "Approve"),
            el("button", { type: "button", class: "no", onclick: decide(false) }, "Reject")));
  }
}

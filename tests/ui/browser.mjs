// A browser and the platform that it looks at, as the tests share them. What the browser complains of is kept, and
// every test asks for it at its end.
import assert from "node:assert/strict";
import { join } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

export const HOME = process.env.MAKEGOOD_URL;
assert.ok(HOME, "MAKEGOOD_URL is the platform's address: tests/ui/run starts one");
const PICTURES = process.env.MAKEGOOD_SCREENSHOTS;

export const DINNER = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";
/** A plan whose message somebody has to agree to. */
export const EVENING = {
  summary: "An evening",
  steps: [
    { id: "table", tool: "book_restaurant_table",
      params: { restaurant: "Luigi's", date: "2031-05-01", time: "19:00", party_size: 2, name: "Ann" } },
    { id: "text", tool: "send_message", after: ["table"], approval: { question: "Send it?" },
      params: { to: "Sam", text: "See you at Luigi's" } },
  ],
};
export const DESK = { width: 1100, height: 800 };
export const PHONE = { width: 390, height: 844 };

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

/** Opens a page. `complaints` is what the browser has to say of it, but for what a test has `allowed`. */
export async function look(browser, path = "/", { viewport = DESK, allowed = /^$/ } = {}) {
  const context = await browser.newContext({ viewport, locale: "en-GB", timezoneId: "Europe/Berlin" });
  context.setDefaultTimeout(20_000);
  // So it is there whatever the page's policy says of scripts.
  await context.addInitScript({ content: axe.source });
  const page = await context.newPage();
  const complaints = [];
  const complain = (text) => allowed.test(text) || complaints.push(text);
  page.on("console", (told) => ["error", "warning"].includes(told.type()) && complain(told.text()));
  page.on("pageerror", (error) => complain(String(error)));
  // The page of a link goes on by itself.
  await page.goto(HOME + path, { waitUntil: path.startsWith("/approve") ? "commit" : "load" });
  return {
    page,
    /** Nothing was complained of. */
    async close() {
      await context.close();
      assert.deepEqual(complaints, [], "what the browser complains of");
    },
  };
}

/** Loads a page so many times, keeping nothing from one to the next: the milliseconds to the first contentful paint of
 * each, the bytes of all that was fetched, and how much that was. */
export async function loads(browser, path, times) {
  const context = await browser.newContext({ viewport: DESK });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const paints = [];
  for (let turn = 0; turn < times; turn += 1) {
    await page.goto(HOME + path);
    paints.push(Math.round(await page.evaluate(painted)));
  }
  const fetched = await page.evaluate(() =>
    ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type)).map((one) => one.transferSize));
  const rows = await page.locator("tbody tr").count();
  await context.close();
  return { paints, bytes: fetched.reduce((sum, size) => sum + size, 0), files: fetched.length, rows };
}

/** In the page: when it first showed something, which may be yet to come. */
const painted = () =>
  new Promise((done) => {
    const first = (entries) => entries.find(({ name }) => name === "first-contentful-paint");
    const look = (list) => first(list.getEntries()) && done(first(list.getEntries()).startTime);
    new PerformanceObserver(look).observe({ type: "paint", buffered: true });
  });

/** What axe calls serious, in light and in dark, there is none of. A picture of each is kept, under this name. */
export async function sound(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    const told = serious.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
    assert.deepEqual(told, [], `${name}, ${colorScheme}`);
    if (PICTURES) await picture(page, `${name}-${colorScheme}.png`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
}

/** The whole page, on a screen that is as high: what stands at the lower edge of a screen hides nothing there. */
async function picture(page, name) {
  const size = page.viewportSize();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ ...size, height: Math.max(size.height, height) });
  await page.screenshot({ path: join(PICTURES, name) });
  await page.setViewportSize(size);
}

/** The page is no wider than its screen, and what is pressed there is large enough for a thumb. */
export async function fits(page) {
  const { wide, small } = await page.evaluate(() => {
    const pressed = [...document.querySelectorAll("button, summary, textarea")].filter((one) => one.checkVisibility());
    const small = pressed.filter((one) => one.getBoundingClientRect().height < 44);
    return {
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      small: small.map((one) => one.outerHTML),
    };
  });
  assert.deepEqual({ wide, small }, { wide: 0, small: [] });
}

/** Where one types. */
export const box = (page) => page.getByRole("textbox", { name: "What do you want done?" });

/** Types a message, and sends it. */
export async function say(page, text) {
  await box(page).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** The newest plan on the page. */
export const plan = (page) => page.getByRole("article").last();

/** A step of the newest plan, by its id there; of one with alternatives, the first. */
export const step = (page, id) =>
  plan(page).getByRole("listitem").filter({ has: page.locator("code").getByText(new RegExp(`^${id}(~1)?$`)) });

/** Waits until the page says this. */
export const told = (page, text) => plan(page).getByText(text).first().waitFor();

const json = async (answer) => {
  assert.ok(answer.ok, `${answer.url}: ${answer.status}`);
  return answer.json().catch(() => null);
};
const send = (method, path, body) =>
  fetch(HOME + path, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });

export const get = async (path) => json(await fetch(HOME + path));
export const post = async (path, body) => json(await send("POST", path, body));
export const fault = (about) => post("/demo/faults", about);

/** From here on nothing goes wrong in the town. */
export const mend = () => send("DELETE", "/demo/faults");

/** An empty town, where nothing goes wrong. */
export async function calm() {
  await mend();
  await send("POST", "/demo/reset");
}

/** How many reservations, rides and messages of the town stand. */
export async function world() {
  const { reservations, rides, messages } = await get("/demo/world");
  return [reservations, rides, messages].map((all) => all.length);
}

/** A saga's report, when it is as is wanted. */
export async function until(saga, wanted) {
  const end = Date.now() + 60_000;
  for (;;) {
    const report = await get(`/api/execute/${saga}`);
    if (wanted(report)) return report;
    assert.ok(Date.now() < end, `${saga} is seen last as ${JSON.stringify(report)}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** A saga by its id, when it has come to rest. */
export const rest = (saga) => until(saga, ({ phase }) => ["completed", "made_good", "stuck"].includes(phase));

/** A saga of such an evening, when its message waits for a yes. */
export async function evening() {
  const { saga } = await post("/api/execute", { plan: EVENING });
  await until(saga, (report) => text(report)?.standing === "asking");
  return saga;
}

/** Agrees to that message, as somebody else would who does not look at the page. */
export async function agree(saga) {
  const { approval } = text(await get(`/api/execute/${saga}`));
  await post(`/api/execute/${saga}/approve`, { step: "text", hash: approval.hash });
}

const text = ({ steps }) => steps.find(({ id }) => id === "text");

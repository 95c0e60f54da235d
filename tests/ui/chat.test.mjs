// The page `/` on a desk: what is said there is shown, done, made good, asked about, and followed past a bad connection.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import {
  DINNER, EVENING, agree, box, calm, evening, fault, launch, look, mend, plan, post, say, sound, step, told, world,
} from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(calm);

const yes = (page) => page.getByRole("button", { name: "Yes" }).click();
/** The part that tells what is new to who does not see it. */
const news = (page, text) => page.getByRole("status").getByText(text).first().waitFor({ state: "attached" });

test("an example is shown as a plan, done after a yes, and leads to its page", async () => {
  const { page, close } = await look(browser);
  await sound(page, "empty");
  await page.getByRole("button", { name: DINNER }).click();
  await told(page, "Nothing is done yet.");
  for (const [id, kind] of [["table", "can be undone"], ["ride", "can be undone"], ["message", "final"]]) {
    await step(page, id).getByText(kind).waitFor();
  }
  await step(page, "table").getByText("Party size").waitFor();
  await step(page, "message").getByText("after ").waitFor();
  assert.deepEqual(await world(), [0, 0, 0], "it is only shown");
  await sound(page, "plan");
  await yes(page);
  await told(page, "Done, all of it.");
  await news(page, "Done, all of it.");
  assert.deepEqual(await world(), [1, 1, 1]);
  for (const id of ["table", "ride", "message"]) await step(page, id).getByText("done", { exact: true }).waitFor();
  await sound(page, "done");
  const [href] = await plan(page).getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  assert.match(href, /^\/debug\/sagas\/sg_/);
  await close();
});

test("a no leaves everything as it is", async () => {
  const { page, close } = await look(browser);
  await say(page, DINNER);
  await page.getByRole("button", { name: "No", exact: true }).click();
  await page.getByText("Then nothing is done.").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Yes" }).count(), 0);
  assert.deepEqual(await world(), [0, 0, 0]);
  await close();
});

test("a yes is to what was shown: what is another plan by then is shown first", async () => {
  const { page, close } = await look(browser);
  let asked = 0;
  await page.route("**/api/intent", async (route) => {
    asked += 1;
    if (asked !== 2) return route.continue();
    const response = await route.fetch();
    const heard = await response.json();
    for (const { steps } of [heard, heard.reading]) steps[0].params.party_size = 5;
    await route.fulfill({ response, json: heard });
  });
  await say(page, DINNER);
  await yes(page);
  await page.getByText("That would be another plan by now.").first().waitFor();
  await page.getByRole("button", { name: "Yes" }).waitFor();
  assert.equal(await page.getByRole("article").count(), 2);
  assert.deepEqual(await world(), [0, 0, 0], "nothing else is done");
  await yes(page);
  await told(page, "Done, all of it.");
  assert.deepEqual(await world(), [1, 1, 1]);
  await close();
});

test("what is refused turns it round, and the steps are struck with why", async () => {
  await fault({ tool: "request_ride", kind: "refuse" });
  const { page, close } = await look(browser);
  await say(page, DINNER);
  await yes(page);
  await told(page, "Made good: nothing of it is left.");
  await plan(page).getByText("was refused").first().waitFor();
  const struck = await plan(page).locator("s").allTextContents();
  assert.equal(struck.length, 3, "the table, the ride that is kept out, and the message that was not begun");
  await step(page, "table").getByText(/^undone, \d of \d$/).waitFor();
  await news(page, "Made good");
  assert.deepEqual(await world(), [0, 0, 0]);
  await sound(page, "made-good");
  await close();
});

test("steps tick while one looks, without a reload", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, `/#${saga}`);
  await page.evaluate(() => (window.loaded = "once"));
  await step(page, "table").getByText("done", { exact: true }).waitFor();
  await step(page, "text").getByText("waiting for a yes").waitFor();
  await told(page, "Under way.");
  await sound(page, "under-way");
  await agree(saga);
  await step(page, "text").getByText("done", { exact: true }).waitFor();
  await told(page, "Done, all of it.");
  await news(page, /: done$/);
  assert.equal(await page.evaluate(() => window.loaded), "once");
  await close();
});

test("a cancel has what was done undone, and says who wanted it", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, `/#${saga}`);
  await step(page, "text").getByText("waiting for a yes").waitFor();
  await page.getByRole("button", { name: "Cancel it" }).click();
  await told(page, "Made good: nothing of it is left.");
  await plan(page).getByText("It was cancelled by").first().waitFor();
  await step(page, "table").getByText("undone", { exact: true }).waitFor();
  assert.deepEqual(await world(), [0, 0, 0]);
  await close();
});

test("a try that got no answer is told as one, and the next one does it", async () => {
  await fault({ tool: "book_restaurant_table", kind: "error" });
  // It is tried for as long as it takes to be seen.
  const retry = { attempts: 100, base_ms: 200, cap_ms: 1000 };
  const { saga } = await post("/api/execute", { plan: { summary: "A table", steps: [{ ...EVENING.steps[0], retry }] } });
  const { page, close } = await look(browser, `/#${saga}`);
  await step(page, "table").getByText(/try \d/).waitFor();
  await news(page, /try \d/);
  await mend();
  await told(page, "Done, all of it.");
  assert.deepEqual(await world(), [1, 0, 0]);
  await close();
});

test("a question is answered in the conversation, and a plan that is shown is corrected there", async () => {
  const { page, close } = await look(browser);
  await say(page, "Book a table at Luigi's");
  await page.locator(".agent").getByText(/\?/).waitFor();
  assert.equal(await page.getByRole("article").count(), 0, "there is no plan yet");
  await say(page, "for 4, tomorrow at 7pm");
  await step(page, "table").getByText("4", { exact: true }).waitFor();
  await yes(page);
  await told(page, "Done, all of it.");
  assert.deepEqual(await world(), [1, 0, 0]);
  await close();
});

test("what is said is text, whatever it looks like", async () => {
  const { page, close } = await look(browser);
  await say(page, 'Text Sam "<img src=x onerror=alert(1)> <b>hi</b>"');
  await page.getByText("<b>hi</b>").first().waitFor();
  await page.getByRole("button", { name: "Send" }).and(page.locator(":enabled")).waitFor();
  assert.equal(await page.locator("#conversation img, #conversation b").count(), 0);
  await close();
});

test("a connection that is cut is taken up again where it was, and a reload goes on", async () => {
  await fault({ tool: "request_ride", kind: "slow", delay_ms: 4000 });
  const { page, close } = await look(browser, "/", { allowed: /ERR_CONNECTION_RESET|Failed to load resource/ });
  const asked = [];
  await page.route("**/events", (route) => {
    asked.push(route.request().headers()["last-event-id"]);
    if (asked.length === 1) {
      return route.fulfill({ contentType: "text/event-stream", body: 'retry: 1000\n\nid: 1\ndata: {}\n\nid: 7\nda' });
    }
    return asked.length === 2 ? route.abort("connectionreset") : route.continue();
  });
  await say(page, DINNER);
  await yes(page);
  await told(page, "The connection was lost.");
  await told(page, "Done, all of it.");
  assert.deepEqual(asked.slice(0, 3), [undefined, "1", "1"]);
  assert.equal(await plan(page).getByText("The connection was lost.").isVisible(), false);
  await page.reload();
  await told(page, "Done, all of it.");
  await page.getByText(DINNER).filter({ visible: true }).waitFor();
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("button", { name: DINNER }).waitFor();
  assert.equal(await page.getByRole("article").count(), 0);
  await close();
});

test("an installation that is away says so, and the same is sent again under its key", async () => {
  const { page, close } = await look(browser, "/", { allowed: /Failed to load resource/ });
  const keys = [];
  await page.route("**/api/chat", (route) => {
    keys.push(route.request().postDataJSON().key);
    return keys.length === 1 ? route.abort("connectionreset") : route.continue();
  });
  await say(page, DINNER);
  await yes(page);
  await page.getByText("The installation cannot be reached.").first().waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await told(page, "Done, all of it.");
  assert.ok(keys.length === 2 && keys[0] === keys[1], String(keys));
  assert.deepEqual(await world(), [1, 1, 1]);
  await close();
});

test("what was done, and whose answer was lost, is not done again", async () => {
  const { page, close } = await look(browser, "/", { allowed: /Failed to load resource/ });
  const keys = [];
  await page.route("**/api/chat", async (route) => {
    keys.push(route.request().postDataJSON().key);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    await route.abort("connectionreset");
  });
  await page.getByLabel("Show me").uncheck();
  await say(page, DINNER);
  await page.getByRole("button", { name: "Try again" }).click();
  await told(page, "Done, all of it.");
  assert.ok(keys.length === 2 && keys[0] === keys[1], String(keys));
  assert.deepEqual(await world(), [1, 1, 1]);
  await close();
});

test("who is not let in is asked for a token, and sends it from then on", async () => {
  const { page, close } = await look(browser, "/", { allowed: /Failed to load resource/ });
  await page.route("**/api/**", (route) => {
    const { authorization, ...headers } = route.request().headers();
    if (authorization === "Bearer a-token") return route.continue({ headers });
    const detail = "Send `Authorization: Bearer <token>`.";
    return route.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify({ detail }) });
  });
  await say(page, DINNER);
  await page.getByText("Sign in with a token below").filter({ visible: true }).first().waitFor();
  await sound(page, "token");
  await page.getByLabel("Token, or API key").fill("a-token");
  await page.getByRole("button", { name: "Use it" }).click();
  await say(page, DINNER);
  await yes(page);
  await told(page, "Done, all of it.");
  assert.ok(!page.url().includes("a-token"));
  await close();
});

test("from the empty page to done by keyboard alone", async () => {
  const { page, close } = await look(browser);
  const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "To the message");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "message");
  await page.keyboard.type(DINNER);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Yes" }).waitFor();
  assert.equal(await focused(), "message", "the focus is kept");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(), "No");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Yes");
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(ring, "solid", "where one is can be seen");
  await page.keyboard.press("Enter");
  await told(page, "Done, all of it.");
  assert.equal(await focused(), "message");
  assert.equal(await box(page).inputValue(), "");
  await close();
});

test("without its script the page says what it needs", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(process.env.MAKEGOOD_URL);
  await page.getByText("This page needs its script").waitFor();
  await page.getByText("curl -N").waitFor();
  assert.equal(await page.getByRole("button").count(), 0, "nothing that would do nothing");
  await context.close();
});

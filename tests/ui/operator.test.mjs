// The pages of operators: a saga that was tried again and undone, as its page and as a waterfall.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { DINNER, PHONE, agree, calm, evening, fault, get, launch, look, post, rest, sound } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(calm);

/** A dinner whose table is tried twice, and whose ride is refused. */
async function undone() {
  await fault({ tool: "book_restaurant_table", kind: "error", count: 1 });
  await fault({ tool: "request_ride", kind: "refuse" });
  const { saga } = await post("/api/chat", { message: DINNER });
  assert.equal((await rest(saga)).phase, "made_good");
  return saga;
}

test("the list and a saga's page are sound", async () => {
  const saga = await undone();
  for (const [path, name] of [["/debug", "sagas"], [`/debug/sagas/${saga}`, "saga"]]) {
    const { page, close } = await look(browser, path);
    await page.getByText("made good").first().waitFor();
    await sound(page, name);
    await close();
  }
});

test("the waterfall shows every try and every undo", async () => {
  const saga = await undone();
  const { page, close } = await look(browser, `/debug/sagas/${saga}`);
  await page.locator("a[href^='/debug/traces/']").first().click();
  await page.waitForURL("**/debug/traces/*");
  const rows = page.getByRole("row");
  await rows.filter({ hasText: /undo/i }).first().waitFor();
  assert.ok((await rows.filter({ hasText: /book_restaurant_table|table/ }).count()) >= 2, "its step and its tries");
  assert.ok((await rows.filter({ hasText: /undo/i }).count()) >= 1);
  await sound(page, "waterfall");
  const at = new URL(page.url()).pathname;
  await close();
  const phone = await look(browser, at, { viewport: PHONE });
  await sound(phone.page, "phone-waterfall");
  await phone.close();
});

const waterfall = async (saga) => `/debug/traces/${(await get(`/api/debug/sagas/${saga}`)).trace_id}`;

test("by keyboard a row is chosen and opened, and the bars are zoomed", async () => {
  const { page, close } = await look(browser, await waterfall(await undone()));
  const panel = page.getByRole("complementary", { name: "Details" });
  const heading = panel.getByRole("heading", { level: 2 });
  const wide = async () => (await page.locator("#w thead svg").last().boundingBox()).width;
  const before = await wide();
  await page.keyboard.press("j");
  assert.equal(await panel.isVisible(), false, "it is only chosen");
  await page.keyboard.press("Enter");
  await heading.waitFor();
  const first = await heading.textContent();
  await page.keyboard.press("j");
  assert.notEqual(await heading.textContent(), first, "what is open follows");
  await page.keyboard.press("+");
  assert.ok((await wide()) > 1.5 * before, `${await wide()}, after ${before}`);
  await page.keyboard.press("0");
  assert.ok(Math.abs((await wide()) - before) < 1, "all of it again");
  await page.keyboard.press("Escape");
  assert.equal(await panel.isVisible(), false);
  await close();
});

test("a saga that goes on gets its rows without a reload, and who is at one stays there", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, await waterfall(saga));
  const rows = page.getByRole("row");
  const before = await rows.count();
  await page.keyboard.press("j");
  await agree(saga);
  await rows.nth(before).waitFor();
  assert.ok(await page.evaluate(() => document.activeElement.closest("tr")?.classList.contains("here")));
  await page.locator("main:not([data-live])").waitFor();
  await close();
});

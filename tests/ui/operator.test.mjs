// The pages of operators: a saga that was tried again and undone, as its page and as a waterfall.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { DINNER, PHONE, calm, fault, launch, look, post, rest, sound } from "./browser.mjs";

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

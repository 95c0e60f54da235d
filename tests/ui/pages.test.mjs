// The console beside the sagas: each page where there is something to see, in light and dark and on the smallest screen,
// and by its bar from one to the next.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { DINNER, agree, calm, evening, launch, look, post, rest, sound } from "./browser.mjs";

const PAGES = ["queue", "approvals", "limits", "tools", "health", "security"];
const TOOL = "request_ride";
const SMALL = { width: 320, height: 640 };

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(calm);

/** A saga that waits for somebody, one that is over, and a breaker that somebody holds open. */
async function busy() {
  const { saga } = await post("/api/chat", { message: DINNER });
  await rest(saga);
  await post(`/api/execute/breakers/${TOOL}/open`, {});
  return evening();
}

test("each page is sound and fits the smallest screen", async () => {
  const saga = await busy();
  for (const name of PAGES) {
    const wide = await look(browser, `/debug/${name}`);
    await wide.page.getByRole("heading", { level: 1 }).waitFor();
    await sound(wide.page, name);
    await wide.close();
    const small = await look(browser, `/debug/${name}`, { viewport: SMALL });
    await sound(small.page, `small-${name}`);
    const over = await small.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${name} is ${over} pixels wider than its screen`);
    await small.close();
  }
  await post(`/api/execute/breakers/${TOOL}/reset`, {});
  await agree(saga);
  await rest(saga);
});

test("the bar leads from page to page and says where one is", async () => {
  const { page, close } = await look(browser, "/debug");
  const bar = page.getByRole("navigation", { name: "Console" });
  for (const name of PAGES) {
    await bar.getByRole("link", { name: new RegExp(`^${name}$`, "i") }).click();
    await page.waitForURL(`**/debug/${name}`);
    assert.equal((await bar.locator("[aria-current=page]").textContent()).toLowerCase(), name);
  }
  await close();
});

test("who is asked is led to, and gone when they have agreed", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, "/debug/approvals");
  const row = page.getByRole("row").filter({ hasText: saga });
  await row.getByText("Send it?").waitFor();
  await row.getByText("With what").click();
  await row.getByText("See you at Luigi's").waitFor();
  await row.getByRole("link", { name: "text" }).click();
  await page.waitForURL(`**/debug/sagas/${saga}#step-*`);
  await agree(saga);
  await rest(saga);
  await page.goto(page.url().replace(/sagas.*/, "approvals"));
  assert.equal(await page.getByText(saga).count(), 0);
  await close();
});

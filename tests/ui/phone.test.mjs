// A phone: what is to be agreed to is seen and agreed to there, and nothing is cut off or too small.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { EVENING, PHONE, calm, fits, launch, look, plan, post, rest, say, sound, step, told, world } from "./browser.mjs";

// What is not sure: the town's planner takes it for a table at 7 in the evening, and asks.
const HASTE = "Bok a tabel for 4 at Luigi's tomorow at 7";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(calm);

test("a plan that is not sure waits for a yes, and is corrected before it", async () => {
  const { page, close } = await look(browser, "/", { viewport: PHONE });
  await fits(page);
  await sound(page, "phone-empty");
  await say(page, HASTE);
  await step(page, "table").getByText("4", { exact: true }).waitFor();
  await fits(page);
  await sound(page, "phone-confirm");
  await say(page, "make it six");
  await step(page, "table").getByText("6", { exact: true }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Yes" }).count(), 1, "only the newest plan can be agreed to");
  assert.deepEqual(await world(), [0, 0, 0]);
  await page.getByRole("button", { name: "Yes" }).click();
  await told(page, "Done, all of it.");
  assert.deepEqual(await world(), [1, 0, 0]);
  await close();
});

for (const [pressed, phase, left] of [["Approve", "Done, all of it.", [1, 0, 1]], ["Reject", "Made good", [0, 0, 0]]]) {
  test(`a step that asks shows exactly what it would do: ${pressed}`, async () => {
    const { saga } = await post("/api/execute", { plan: EVENING });
    const { page, close } = await look(browser, `/#${saga}`, { viewport: PHONE });
    await step(page, "text").getByText("Send it?").waitFor();
    await step(page, "text").getByText("See you at Luigi's").waitFor();
    await fits(page);
    if (pressed === "Approve") await sound(page, "phone-approval");
    await page.getByRole("button", { name: pressed }).click();
    await told(page, phase);
    assert.deepEqual(await world(), left);
    await fits(page);
    await close();
  });
}

test("the page of a link, which decides for somebody who is not signed in", async () => {
  const asks = structuredClone(EVENING);
  asks.steps[1].approval.by = ["ann"];
  const { saga } = await post("/api/execute", { plan: asks });
  const { page, close } = await look(browser, `/#${saga}`, { viewport: PHONE });
  await step(page, "text").getByText("It is for others to decide").waitFor();
  assert.equal(await plan(page).getByRole("button", { name: "Approve" }).count(), 0);
  await close();
  const { page: at } = await post(`/api/execute/${saga}/links`, { step: "text", for: "ann" });
  const link = await look(browser, new URL(at).pathname + new URL(at).hash, { viewport: PHONE });
  await link.page.getByRole("button", { name: "Agree" }).waitFor();
  await fits(link.page);
  await sound(link.page, "phone-link");
  await link.page.getByRole("button", { name: "Agree" }).click();
  await link.page.getByText("You agreed").first().waitFor();
  assert.equal((await rest(saga)).phase, "completed");
  await link.close();
});

test("on the narrowest screen nothing is cut off", async () => {
  const { page, close } = await look(browser, "/", { viewport: { width: 320, height: 568 } });
  await fits(page);
  await say(page, HASTE);
  await step(page, "table").getByText("4", { exact: true }).waitFor();
  await fits(page);
  await close();
});

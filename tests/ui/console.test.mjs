// The console: from a saga that is stuck to one that is resolved, several at once, views of one's own, what is new, and
// all of it by keyboard and on a narrow screen.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { DINNER, HOME, agree, calm, evening, fault, get, launch, look, mend, post, rest, sound, until } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(calm);

const NARROW = { width: 320, height: 640 };

/** A dinner whose ride is refused, and whose table cannot be undone. */
async function stuck() {
  await fault({ tool: "request_ride", kind: "refuse" });
  await fault({ tool: "book_restaurant_table", kind: "refuse", op: "undo" });
  const { saga } = await post("/api/chat", { message: DINNER });
  assert.equal((await rest(saga)).phase, "stuck");
  return saga;
}

/** What the page says of what its reader did. */
const news = (page, text) => page.locator("#news").getByText(text).waitFor();
const button = (page, name) => page.getByRole("button", { name });
const dialog = (page) => page.getByRole("dialog");
const pick = (page, saga) => page.locator(`input.pick[value="${saga}"]`);
/** Nothing stands out of the screen. */
async function narrow(page) {
  const over = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  assert.equal(await page.evaluate(over), 0);
}

test("from a saga that is stuck to one that is resolved it is five clicks at most", async () => {
  const saga = await stuck();
  const { page, close } = await look(browser, "/debug/sagas");
  let clicks = 0;
  const click = async (locator) => {
    clicks += 1;
    await locator.click();
  };
  await click(page.getByRole("link", { name: "Needs a person" }));
  await page.getByText("stuck: table").first().waitFor();
  await sound(page, "console-person");
  await click(page.locator(`a[href="/debug/sagas/${saga}"]`));
  await sound(page, "console-stuck");
  await click(button(page, /^It is undone by hand: table/));
  await dialog(page).getByText("You say that you have undone table").waitFor();
  await sound(page, "console-resolve");
  assert.equal((await rest(saga)).phase, "stuck", "nothing was done yet");
  await click(dialog(page).getByRole("button", { name: "It is undone by hand" }));
  await news(page, "It is made good");
  assert.ok(clicks <= 5, `${clicks} clicks`);
  assert.equal((await rest(saga)).phase, "made_good");
  await page.locator("#live").getByText("made good", { exact: true }).first().waitFor();
  assert.equal(await page.getByRole("heading", { name: "What you can do" }).count(), 0, "there is nothing left to do");
  await close();
});

test("a note goes with what is said, and who said it stands in the journal", async () => {
  const saga = await stuck();
  const { page, close } = await look(browser, `/debug/sagas/${saga}`);
  await button(page, /^It is undone by hand/).click();
  await dialog(page).getByLabel(/How you know/).fill("By <b>telephone</b>.");
  await dialog(page).getByRole("button", { name: "It is undone by hand" }).click();
  await page.locator("#live").getByText("By <b>telephone</b>.").first().waitFor();
  await close();
});

test("a saga is given another plan, and what is wrong with one is said without losing what was typed", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, `/debug/sagas/${saga}`, { allowed: /422|400/ });
  const [opens, field] = [button(page, "Give it another plan"), dialog(page).getByLabel(/^The plan/)];
  const sends = dialog(page).getByRole("button", { name: "Give it another plan" });
  const alert = (text) => dialog(page).getByRole("alert").getByText(text).first().waitFor();
  await opens.click();
  const plan = JSON.parse(await field.inputValue());
  assert.deepEqual(plan.steps.map(({ id, tool }) => [id, tool]), [["table", "book_restaurant_table"], ["text", "send_message"]]);
  assert.equal(plan.summary, "An evening");
  await sound(page, "console-replan");
  await field.fill("{ none");
  await sends.click();
  await alert(/This is no JSON/);
  assert.equal(await field.inputValue(), "{ none");
  const [table, text] = plan.steps;
  const wrong = { ...plan, steps: [{ ...table, tool: "lost" }, { ...text, after: ["nobody"] }] };
  await field.fill(JSON.stringify(wrong));
  await sends.click();
  await alert(/`lost`/);
  await alert(/`nobody`/);
  assert.equal(await field.inputValue(), JSON.stringify(wrong));
  // Also where the page was renewed while the dialog was closed.
  await button(page, "Leave it").click();
  await post(`/api/execute/${saga}/pause`, {});
  await button(page, "Resume").waitFor();
  await opens.click();
  assert.equal(await field.inputValue(), JSON.stringify(wrong));
  await field.fill(JSON.stringify({ ...plan, steps: [{ ...table, params: { ...table.params, party_size: 6 } }, text] }));
  await dialog(page).getByLabel("Why (for people)").fill("We are six.");
  await sends.click();
  await news(page, "Give it another plan: asked for, and heard.");
  await post(`/api/execute/${saga}/resume`, {});
  const standing = ({ steps }, step) => steps.filter(({ id }) => id === step).map((one) => one.standing);
  const report = await until(saga, (now) => standing(now, "text").includes("asking"));
  assert.deepEqual(standing(report, "table"), ["undone", "done"]);
  assert.deepEqual(report.replanned.map(({ by, note }) => [by, note]), [["anonymous", "We are six."]]);
  const { reservations } = await get("/demo/world");
  assert.deepEqual(reservations.map(({ party_size }) => party_size), [6]);
  const { entries } = await get("/api/audit");
  const noted = entries.find(({ verb, target }) => verb === "saga.replan" && target === saga);
  assert.deepEqual([noted?.who, noted?.outcome], ["anonymous", "ok"]);
  await close();
});

test("no other plan is offered where there is no way to one", async () => {
  const { page, close } = await look(browser, `/debug/sagas/${await stuck()}`);
  await button(page, /^It is undone by hand: table/).waitFor();
  assert.equal(await button(page, "Give it another plan").count(), 0);
  await close();
});

test("what is no longer so is refused, and the page says what to do", async () => {
  const saga = await stuck();
  const { page, close } = await look(browser, `/debug/sagas/${saga}`, { allowed: /409/ });
  await button(page, /^It is undone by hand/).click();
  const { steps } = await get(`/api/execute/${saga}`);
  const { id } = steps.find(({ standing }) => standing === "held");
  await post(`/api/execute/${saga}/resolve`, { step: id, done: false, note: "Somebody else was first." });
  await dialog(page).getByRole("button", { name: "It is undone by hand" }).click();
  await dialog(page).getByRole("alert").getByText("close this and look again").waitFor();
  await button(page, "Leave it").click();
  assert.equal(await dialog(page).count(), 0);
  await close();
});

test("sagas that are ticked are tried again after one confirmation, and each says what came of it", async () => {
  const sagas = [await stuck(), await stuck()];
  await mend();
  const { page, close } = await look(browser, "/debug/sagas?phase=person");
  assert.ok(await button(page, "Try again").isDisabled(), "none is chosen");
  for (const saga of sagas) await pick(page, saga).check();
  await page.locator("#picked").getByText("2 sagas chosen").waitFor();
  await button(page, "Try again").click();
  await dialog(page).getByRole("heading", { name: "Try again: 2 sagas" }).waitFor();
  await sound(page, "console-bulk");
  await dialog(page).getByRole("button", { name: "Try again: 2 sagas" }).click();
  await dialog(page).getByText("2 of 2 sagas heard it.").waitFor();
  const said = await dialog(page).getByRole("listitem").allTextContents();
  assert.equal(said.length, 2);
  for (const line of said) assert.match(line, /It is (being undone|made good|under way)/);
  for (const saga of sagas) assert.equal((await rest(saga)).phase, "made_good");
  await button(page, "Close, and look again").click();
  for (const saga of sagas) await pick(page, saga).waitFor({ state: "detached" });
  await close();
});

test("of several that are called off, one that is over already is told apart", async () => {
  const [one, other] = [await evening(), await evening()];
  const { page, close } = await look(browser, "/debug/sagas?phase=forward");
  for (const saga of [one, other]) await pick(page, saga).check();
  await agree(other);
  assert.equal((await rest(other)).phase, "completed");
  await button(page, "Cancel").click();
  await dialog(page).getByRole("button", { name: "Cancel: 2 sagas" }).click();
  await dialog(page).getByText("heard it.").waitFor();
  const said = (await dialog(page).getByRole("listitem").allTextContents()).join("\n");
  assert.match(said, /It is completed/);
  assert.match(said, /It is (made good|being undone)/);
  assert.equal((await rest(one)).phase, "made_good");
  assert.equal((await rest(other)).phase, "completed");
  await close();
});

test("a view of one's own is kept in the browser, leads back, and is forgotten", async () => {
  const { page, close } = await look(browser, "/debug/sagas");
  await page.getByLabel("How they stand").selectOption("made_good");
  await page.getByLabel("Tool").fill("request_ride");
  await button(page, "Show").click();
  await page.waitForURL(/phase=made_good/);
  await button(page, "Keep as a view").click();
  await dialog(page).getByLabel("Name").fill("Rides & <b>undos</b>");
  await button(page, "Keep it").click();
  await news(page, "is kept");
  await page.goto(`${HOME}/debug/sagas`);
  await page.getByRole("link", { name: "Rides & <b>undos</b>" }).click();
  await page.waitForURL(/phase=made_good&tool=request_ride$/);
  assert.equal(await page.getByLabel("Tool").inputValue(), "request_ride");
  await sound(page, "console-view");
  await button(page, "Forget the view Rides & <b>undos</b>").click();
  await news(page, "is forgotten");
  await page.reload();
  assert.equal(await page.getByRole("link", { name: "Rides & <b>undos</b>" }).count(), 0);
  await close();
});

test("a text and a time find a saga, and where there is none the page says what to leave out", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, "/debug/sagas");
  await page.getByLabel("In title or id").fill("an evenING");
  await page.getByLabel("Time").selectOption("hour");
  await page.keyboard.press("Enter");
  await page.waitForURL(/text=an/);
  await page.locator(`a[href="/debug/sagas/${saga}"]`).waitFor();
  await page.getByLabel("In title or id").fill(saga);
  await button(page, "Show").click();
  await page.waitForURL(new RegExp(saga));
  assert.equal(await page.getByRole("rowheader").count(), 1);
  await page.getByLabel("In title or id").fill("nothing of the kind");
  await button(page, "Show").click();
  await page.getByText("Leave something out above").waitFor();
  await sound(page, "console-none");
  await close();
});

test("a step that asks is agreed to with what is shown, and the page follows to the end", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, `/debug/sagas/${saga}`);
  await button(page, /^Approve: text/).click();
  await dialog(page).getByText("See you at Luigi's").waitFor();
  await dialog(page).getByRole("button", { name: "Approve" }).click();
  await page.locator("#live:not([data-live])").waitFor();
  assert.equal((await rest(saga)).phase, "completed");
  await close();
});

test("what somebody else does is seen without a reload, and what is open stays so", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, `/debug/sagas/${saga}`);
  const opened = page.locator("#step-0 summary");
  await opened.click();
  await agree(saga);
  await page.locator("#live:not([data-live])").waitFor();
  assert.ok(await page.locator("#step-0 details").evaluate((one) => one.open));
  await close();
});

test("by keyboard a saga is held on to and let go on", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, `/debug/sagas/${saga}`);
  for (const [name, says, paused] of [["Pause", "Nothing new is started", true], ["Resume", "It goes on", false]]) {
    await button(page, name).focus();
    await page.keyboard.press("Enter");
    await dialog(page).getByText(says).first().waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await dialog(page).count(), 0);
    assert.ok(await button(page, name).evaluate((one) => one === document.activeElement), "the focus comes back");
    await page.keyboard.press("Enter");
    await dialog(page).getByRole("button", { name }).focus();
    await page.keyboard.press("Enter");
    await news(page, `${name}: asked for, and heard.`);
    await until(saga, (report) => Boolean(report.paused) === paused);
    await button(page, paused ? "Resume" : "Pause").waitFor();
  }
  await close();
});

test("without a token that may do it nothing is done, and the page says where to give one", async () => {
  const saga = await evening();
  const { page, close } = await look(browser, `/debug/sagas/${saga}`, { allowed: /401/ });
  await page.getByText("Act with a token").click();
  await page.getByLabel("Token, or API key").fill("nonsense");
  await button(page, "Use it").click();
  await news(page, "The token is used from now on.");
  await button(page, "Pause").click();
  await dialog(page).getByRole("button", { name: "Pause" }).click();
  await dialog(page).getByRole("alert").getByText("give a token that may do it").waitFor();
  assert.equal((await get(`/api/execute/${saga}`)).paused ?? null, null);
  await close();
});

test("on the narrowest screen nothing is cut off, and all can be pressed", async () => {
  const saga = await stuck();
  for (const [path, name] of [["/debug/sagas", "console-narrow-list"], [`/debug/sagas/${saga}`, "console-narrow-saga"]]) {
    const { page, close } = await look(browser, path, { viewport: NARROW });
    await narrow(page);
    await sound(page, name);
    await close();
  }
  const { page, close } = await look(browser, `/debug/sagas/${saga}`, { viewport: NARROW });
  await button(page, /^It is undone by hand/).click();
  await narrow(page);
  await dialog(page).getByRole("button", { name: "It is undone by hand" }).click();
  await news(page, "It is made good");
  await close();
});

test("without a script the same pages are read, and say what to type", async () => {
  const saga = await stuck();
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${HOME}/debug/sagas?phase=person`);
  assert.equal(await page.locator("input.pick:visible").count(), 0);
  await page.locator(`a[href="/debug/sagas/${saga}"]`).click();
  assert.equal(await page.locator("[data-opens]:visible").count(), 0);
  await page.getByText("From a terminal").first().click();
  await page.getByText(`makegood saga resolve ${saga}`).first().waitFor();
  await context.close();
});

test("a page with all that it brings weighs less than a hundred kilobytes", async () => {
  const saga = await stuck();
  for (const path of ["/debug/sagas", `/debug/sagas/${saga}`]) {
    let weight = 0;
    for (const part of [path, "/debug/debug.css", "/debug/console.css", "/debug/console.js"]) {
      weight += (await (await fetch(HOME + part)).arrayBuffer()).byteLength;
    }
    assert.ok(weight < 100_000, `${path}: ${weight} bytes`);
  }
});

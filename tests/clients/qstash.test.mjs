import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import { Client, Receiver } from "@upstash/qstash";
import { destination } from "./destination.mjs";
import { emulate } from "./emulator.mjs";

let emulator, client, receiver, target, here;
// What each path was sent, and who waits for it.
const inbox = new Map();

before(async () => {
  emulator = await emulate("qstash");
  const { env } = emulator;
  client = new Client({ baseUrl: env.QSTASH_URL, token: env.QSTASH_TOKEN });
  receiver = new Receiver({
    currentSigningKey: env.QSTASH_CURRENT_SIGNING_KEY,
    nextSigningKey: env.QSTASH_NEXT_SIGNING_KEY,
  });
  target = await destination(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const seen = inbox.get(request.url) ?? [];
    inbox.set(request.url, [...seen, { headers: request.headers, body }]);
    const fails = request.url.startsWith("/broken") || (request.url.startsWith("/flaky") && seen.length === 0);
    response.statusCode = fails ? 503 : 200;
    response.end(fails ? "sorry" : "thanks");
    target.server.emit("came");
  });
  here = target.url;
});
after(async () => {
  target.stop();
  await emulator.stop();
});

async function arrived(path, count) {
  while ((inbox.get(path) ?? []).length < count) await once(target.server, "came", { signal: AbortSignal.timeout(10_000) });
  return inbox.get(path);
}

test("what is published arrives, signed", async () => {
  const { messageId } = await client.publishJSON({ url: `${here}/hello`, body: { a: 1 }, headers: { "x-own": "yes" } });
  const [{ headers, body }] = await arrived("/hello", 1);
  assert.equal(body, '{"a":1}');
  assert.equal(headers["upstash-message-id"], messageId);
  assert.equal(headers["x-own"], "yes");
  const signature = headers["upstash-signature"];
  assert.equal(await receiver.verify({ signature, body, url: `${here}/hello` }), true);
  await assert.rejects(receiver.verify({ signature, body: '{"a":2}', url: `${here}/hello` }));
});

test("what fails is delivered again", async () => {
  await client.publish({ url: `${here}/flaky`, retries: 1, retryDelay: "10" });
  const deliveries = await arrived("/flaky", 2);
  assert.deepEqual(deliveries.map(({ headers }) => headers["upstash-retried"]), ["0", "1"]);
});

test("a message that is cancelled does not arrive, and is known no more", async () => {
  const { messageId } = await client.publish({ url: `${here}/never`, delay: 3600 });
  assert.equal((await client.messages.get(messageId)).messageId, messageId);
  await client.messages.cancel(messageId);
  await assert.rejects(client.messages.get(messageId), /not found/i);
});

test("a url group brings a message to each of its endpoints", async () => {
  await client.urlGroups.addEndpoints({
    name: "news",
    endpoints: [{ name: "one", url: `${here}/group/1` }, { name: "two", url: `${here}/group/2` }],
  });
  assert.equal((await client.urlGroups.get("news")).endpoints.length, 2);
  const sent = await client.publishJSON({ urlGroup: "news", body: 7, deduplicationId: "seven" });
  assert.deepEqual(sent.map(({ url }) => url), [`${here}/group/1`, `${here}/group/2`]);
  const [one] = await arrived("/group/1", 1);
  const [two] = await arrived("/group/2", 1);
  assert.equal(one.headers["upstash-topic-name"], "news");
  assert.notEqual(one.headers["upstash-message-id"], two.headers["upstash-message-id"]);
  const again = await client.publishJSON({ urlGroup: "news", body: 7, deduplicationId: "seven" });
  assert.deepEqual(again.map(({ deduplicated }) => deduplicated), [true, true]);

  await client.urlGroups.removeEndpoints({ name: "news", endpoints: [{ name: "one" }] });
  assert.deepEqual((await client.urlGroups.list()).map(({ endpoints }) => endpoints.length), [1]);
  await client.urlGroups.delete("news");
  await assert.rejects(client.publish({ urlGroup: "news" }), /not found/);
});

test("messages are cancelled by what they have in common", async () => {
  const many = [1, 2, 3].map((n) =>
    client.publish({ url: `${here}/later/${n}`, delay: 3600, label: n === 3 ? "odd" : "batch" }));
  const ids = (await Promise.all(many)).map(({ messageId }) => messageId);
  assert.deepEqual(await client.messages.cancel({ filter: { label: "batch" } }), { cancelled: 2 });
  assert.equal((await client.messages.get(ids[2])).label, "odd");
  assert.deepEqual(await client.messages.cancel(ids), { cancelled: 1 });
  await assert.rejects(client.messages.cancel({ filter: { lable: "odd" } }), /unknown filter 'lable'/);
});

test("what fails for good is reported, and can be sent again", async () => {
  const { messageId } = await client.publishJSON({
    url: `${here}/broken`, body: "x", retries: 1, retryDelay: "10",
    callback: `${here}/report`, failureCallback: `${here}/failure`,
  });
  const reports = (await arrived("/report", 2)).map(({ body }) => JSON.parse(body));
  assert.deepEqual(reports.map(({ status, retried }) => [status, retried]), [[503, 0], [503, 1]]);
  const failure = JSON.parse((await arrived("/failure", 1))[0].body);
  assert.equal(failure.sourceMessageId, messageId);
  assert.equal(Buffer.from(failure.body, "base64").toString(), "sorry");

  const { messages } = await client.dlq.listMessages({ filter: { responseStatus: 503, url: `${here}/broken` } });
  assert.deepEqual(messages.map(({ dlqId }) => dlqId), [failure.dlqId]);
  const { responses } = await client.dlq.retry(failure.dlqId);
  assert.equal(responses.length, 1);
  await arrived("/broken", 4);
  // The one that was sent again has failed again.
  let left = [];
  while (left.length === 0) ({ messages: left } = await client.dlq.listMessages());
  assert.deepEqual(await client.dlq.delete({ all: true }), { deleted: 1, cursor: "" });
});

test("a queue keeps its order, and stands still while it is paused", async () => {
  const queue = client.queue({ queueName: "line" });
  await queue.upsert({ parallelism: 1 });
  await queue.pause();
  for (const n of [1, 2, 3]) await queue.enqueueJSON({ url: `${here}/line`, body: n });
  assert.equal((await queue.get()).lag, 3);
  assert.equal(inbox.get("/line"), undefined);
  await queue.resume();
  assert.deepEqual((await arrived("/line", 3)).map(({ body }) => body), ["1", "2", "3"]);
});

test("a flow-control key can be held, and pinned", async () => {
  const flowControl = { key: "tide", rate: 100, period: "1s" };
  await client.flowControl.pause("tide");
  await client.publish({ url: `${here}/tide`, flowControl });
  const held = await client.flowControl.get("tide");
  assert.deepEqual([held.isPaused, held.waitListSize, held.rateMax], [true, 1, 100]);
  await client.flowControl.pin("tide", { parallelism: 1 });
  assert.equal((await client.flowControl.get("tide")).isPinnedParallelism, true);
  await client.flowControl.resume("tide");
  await arrived("/tide", 1);
});

test("a batch is answered in order", async () => {
  const sent = await client.batchJSON([
    { url: `${here}/batch/1`, body: 1 },
    { url: `${here}/batch/2`, body: 2, queue: "line" },
  ]);
  assert.equal(sent.length, 2);
  assert.equal((await arrived("/batch/2", 1))[0].headers["upstash-message-id"], sent[1].messageId);
});

test("keys are rotated without a gap", async () => {
  await client.publish({ url: `${here}/before` });
  const [before] = await arrived("/before", 1);
  const { env } = emulator;
  const response = await fetch(`${env.QSTASH_URL}/v2/keys/rotate`, {
    method: "POST", headers: { authorization: `Bearer ${env.QSTASH_TOKEN}` },
  });
  const rotated = await response.json();
  assert.equal(rotated.current, env.QSTASH_NEXT_SIGNING_KEY);
  await client.publish({ url: `${here}/after` });
  const [after] = await arrived("/after", 1);
  // Whoever still has the old pair takes the new key as its next one.
  assert.equal(await receiver.verify({ signature: before.headers["upstash-signature"], body: "" }), true);
  assert.equal(await receiver.verify({ signature: after.headers["upstash-signature"], body: "" }), true);
});

test("what was acknowledged comes after the process is killed", async () => {
  await client.queue({ queueName: "held" }).upsert({ paused: true });
  await client.urlGroups.addEndpoints({ name: "kept", endpoints: [{ url: `${here}/kept` }] });
  const sent = await Promise.all([...Array(50).keys()].map((n) =>
    client.queue({ queueName: "held" }).enqueueJSON({ url: `${here}/held`, body: n })));
  await client.flowControl.pause("frozen");
  await emulator.kill();
  await emulator.restart();
  assert.equal((await client.flowControl.get("frozen")).isPaused, true);
  assert.equal((await client.urlGroups.get("kept")).endpoints[0].url, `${here}/kept`);
  assert.equal((await client.messages.get(sent[49].messageId)).queueName, "held");
  await client.queue({ queueName: "held" }).resume();
  const bodies = (await arrived("/held", 50)).map(({ body }) => Number(body));
  assert.deepEqual([...new Set(bodies)].sort((a, b) => a - b), [...Array(50).keys()]);
});

test("what happened is told a page at a time", async () => {
  await client.batchJSON([...Array(250).keys()].map((n) => ({ url: `${here}/told`, body: n, delay: 3600 })));
  const seen = [];
  for (let cursor = Date.now(); cursor; ) {
    const page = await client.logs({ cursor, filter: { state: "CREATED" } });
    seen.push(...page.logs);
    cursor = page.cursor;
  }
  assert.equal(new Set(seen.map(({ messageId }) => messageId)).size, seen.length);
  assert.equal(seen.length, 250);
});

test("time is put forward, and what is signed then is accepted none the less", async () => {
  const { env } = emulator;
  const clock = async (init = {}) => (await fetch(`${env.QSTASH_URL}/v2/_emulator/clock`, {
    headers: { authorization: `Bearer ${env.QSTASH_TOKEN}` }, ...init,
  })).json();
  await client.publish({ url: `${here}/broken/slowly`, retries: 2 });
  for (const [n, by] of [[1, "12s"], [2, "2m28s"], [3, "1d"]]) {
    await arrived("/broken/slowly", n);
    // The attempt's end is noted a moment after it has arrived.
    for (let noted = []; n < 3 && noted.length < n;) {
      ({ logs: noted } = await client.logs({ filter: { url: `${here}/broken/slowly`, state: "RETRY" } }));
    }
    await clock({ method: "POST", body: JSON.stringify({ advance: by }) });
  }
  const { now, ahead } = await clock();
  assert.equal(ahead, 86_560_000);
  assert.ok(now > Date.now() + 86_500_000);
  const { messageId } = await client.publish({ url: `${here}/tomorrow`, body: "b", delay: "1h" });
  assert.ok((await client.messages.get(messageId)).createdAt > Date.now() + 86_500_000);
  await clock({ method: "POST", body: JSON.stringify({ advance: "1h" }) });
  const [{ headers, body }] = await arrived("/tomorrow", 1);
  assert.equal(await receiver.verify({ signature: headers["upstash-signature"], body, url: `${here}/tomorrow` }), true);
});

test("who retries all dead letters page by page retries each once", async () => {
  await client.dlq.delete({ all: true });
  const urls = [1, 2, 3].map((n) => `${here}/broken/page/${n}`);
  await client.batch(urls.map((url) => ({ url, retries: 0 })));
  const dead = async () => (await client.dlq.listMessages()).messages;
  while ((await dead()).length < 3);
  const seen = () => urls.map((url) => inbox.get(new URL(url).pathname).length);
  let cursor;
  do {
    const page = await client.dlq.retry({ all: true, count: 1, cursor });
    cursor = page.cursor;
    while ((await dead()).length < 3);
  } while (cursor);
  assert.deepEqual(seen(), [2, 2, 2]);
});

test("bad input is refused, and nothing is lost by it", async () => {
  const { env } = emulator;
  const post = async (path, init = {}) => {
    const headers = { authorization: `Bearer ${env.QSTASH_TOKEN}`, ...init.headers };
    const response = await fetch(`${env.QSTASH_URL}/v2/${path}`, { method: "POST", ...init, headers });
    return [response.status, (await response.json()).error];
  };
  assert.equal((await post("publish/ftp://x/"))[0], 400);
  assert.equal((await post("batch", { body: "{" }))[0], 400);
  assert.equal((await post(`publish/${here}/x`, { headers: { authorization: "Bearer no" } }))[0], 401);
  assert.equal((await post(`publish/${here}/x`, { headers: { "upstash-retries": "many" } }))[0], 400);
  assert.equal((await post(`publish/${here}/x`, { body: "x".repeat(2 << 20) }))[0], 413);
  assert.equal((await post("topics/a b/endpoints", { body: "{}" }))[0], 400);
  const flow = { "upstash-flow-control-key": "slow", "upstash-flow-control-value": "rate=1, period=9999999999999999999" };
  assert.equal((await post(`publish/${here}/x`, { headers: flow }))[0], 400);
  for (const filter of ["queueName=", "label=", "url=", "nothing=1"]) {
    assert.equal((await post(`messages?${filter}`, { method: "DELETE" }))[0], 400, filter);
  }
  assert.equal((await post("schedules/no-such-group", { headers: { "upstash-cron": "* * * * *" } }))[0], 404);
  assert.equal((await client.urlGroups.get("kept")).name, "kept");
});

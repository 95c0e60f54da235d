import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { Client, Receiver } from "@upstash/qstash";
import { emulate } from "./emulator.mjs";

let emulator, client, receiver, server, here;
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
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const seen = inbox.get(request.url) ?? [];
    inbox.set(request.url, [...seen, { headers: request.headers, body }]);
    response.statusCode = request.url.startsWith("/flaky") && seen.length === 0 ? 503 : 200;
    response.end("thanks");
    server.emit("came");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  here = `http://127.0.0.1:${server.address().port}`;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await emulator.stop();
});

async function arrived(path, count) {
  while ((inbox.get(path) ?? []).length < count) await once(server, "came", { signal: AbortSignal.timeout(10_000) });
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

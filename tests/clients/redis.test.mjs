import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";
import { emulate } from "./emulator.mjs";

let emulator, redis;
before(async () => {
  emulator = await emulate("redis");
  redis = new Redis({ url: emulator.env.UPSTASH_REDIS_REST_URL, token: emulator.env.UPSTASH_REDIS_REST_TOKEN });
});
after(() => emulator.stop());

test("values come back as they went", async () => {
  assert.equal(await redis.set("text", "OK"), "OK");
  assert.equal(await redis.get("text"), "OK");
  await redis.set("object", { a: [1, "zwölf", null] });
  assert.deepEqual(await redis.get("object"), { a: [1, "zwölf", null] });
  assert.equal(await redis.get("nothing"), null);
  assert.equal(await redis.ping(), "PONG");
});

test("a pipeline answers in order, and tells of its errors", async () => {
  const pipeline = redis.pipeline();
  pipeline.set("n", 1);
  pipeline.incr("n");
  pipeline.lpush("n", "x");
  const [set, incr, lpush] = await pipeline.exec({ keepErrors: true });
  assert.deepEqual([set.result, incr.result], ["OK", 2]);
  assert.match(lpush.error, /^WRONGTYPE/);
});

test("a wrong token is refused", async () => {
  const stranger = new Redis({ url: emulator.env.UPSTASH_REDIS_REST_URL, token: "wrong" });
  await assert.rejects(stranger.get("n"), /WRONGPASS/);
});

import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "@upstash/redis";
import { open } from "./redis_server.mjs";
import { backEnds } from "./servers.mjs";

for (const name of backEnds.redis) {
  describe(`redis, ${name}`, () => {
    let emulator, redis, stop;
    before(async () => ({ emulator, redis, stop } = await open(name)));
    after(() => stop());

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

    test("a script is sent once and then named by its digest", async () => {
      for (const shebang of ["", "#!lua flags=allow-key-locking\n"]) {
        const script = redis.createScript(`${shebang}return {redis.call("INCRBY", KEYS[1], ARGV[1]), "x"}`);
        await redis.del("counter");
        await redis.scriptFlush();
        await assert.rejects(redis.evalsha(await script.sha1, ["counter"], [1]), /NOSCRIPT/);
        assert.deepEqual(await script.exec(["counter"], ["2"]), [2, "x"]);
        assert.deepEqual(await script.exec(["counter"], ["3"]), [5, "x"]);
        assert.deepEqual(await redis.scriptExists(script.sha1), [1]);
        assert.deepEqual(await redis.evalsha(script.sha1, ["counter"], ["1"]), [6, "x"]);
      }
    });

    test("a script that only reads cannot write", async () => {
      const script = redis.createScript('return redis.call("SET", KEYS[1], "x")', { readonly: true });
      await assert.rejects(script.exec(["k"], []), /Write commands are not allowed from read-only scripts/);
    });

    for (const [way, told] of [["subscribe", ["news"]], ["psubscribe", ["news*", "news"]]]) {
      test(`what is published reaches who did ${way}, until it leaves`, async () => {
        const subscriber = redis[way](way === "subscribe" ? "news" : "news*");
        const once = (name) => new Promise((done) => subscriber.on(name, done));
        await once(way);
        const message = once(way === "subscribe" ? "message" : "pmessage");
        assert.equal(await redis.publish("news", { a: 1, b: "x,y" }), 1);
        const { channel, message: payload } = await message;
        assert.equal(channel, told.at(-1));
        assert.deepEqual(payload, { a: 1, b: "x,y" });
        await subscriber.unsubscribe();
        let left;
        for (let tries = 0; tries < 100 && left !== 0; tries++) {
          left = await redis.publish("news", { again: tries });
          await wait(20);
        }
        assert.equal(left, 0);
      });
    }

    test("a stream is read by a group, and acknowledged", async () => {
      await redis.xadd("log", "1-0", { n: 1 });
      await redis.xadd("log", "2-0", { n: 2 });
      assert.deepEqual(await redis.xrange("log", "-", "+"), { "1-0": { n: 1 }, "2-0": { n: 2 } });
      await redis.xgroup("log", { type: "CREATE", group: "g", id: "0" });
      const [[key, entries]] = await redis.xreadgroup("g", "anna", "log", ">", { count: 10 });
      assert.deepEqual([key, entries.length], ["log", 2]);
      assert.equal(await redis.xreadgroup("g", "anna", "log", ">"), null);
      assert.equal(await redis.xack("log", "g", ["1-0", "2-0"]), 2);
    });

    test("the token that may only read changes nothing", async () => {
      const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_READONLY_TOKEN: token } = emulator.env;
      const reader = new Redis({ url, token });
      await redis.set("kept", "v");
      assert.equal(await reader.get("kept"), "v");
      await assert.rejects(reader.set("kept", "w"), /NOPERM/);
      await assert.rejects(reader.eval('return redis.call("SET", KEYS[1], "w")', ["kept"], []), /NOPERM/);
      assert.equal(await redis.get("kept"), "v");
    });

    test("a script in a transaction sees what came before", async () => {
      const transaction = redis.multi();
      transaction.set("before", "v");
      transaction.eval('return redis.call("GET", KEYS[1])', ["before"], []);
      assert.deepEqual(await transaction.exec(), ["OK", "v"]);
    });
  });
}

test("what was answered is there after kill -9", async () => {
  const { emulator, redis, stop } = await open("embedded");
  try {
    await redis.set("kept", { a: 1 }, { ex: 1000 });
    const transaction = redis.multi();
    transaction.rpush("list", "a", "b");
    transaction.eval('return redis.call("INCR", KEYS[1])', ["n"], []);
    await transaction.exec();
    await emulator.kill();
    await emulator.restart();
    assert.deepEqual(await redis.get("kept"), { a: 1 });
    assert.ok((await redis.ttl("kept")) > 900);
    assert.deepEqual(await redis.lrange("list", 0, -1), ["a", "b"]);
    assert.equal(await redis.get("n"), 1);
  } finally {
    await stop();
  }
});

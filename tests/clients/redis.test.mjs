import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";
import { emulate } from "./emulator.mjs";
import { backEnd, backEnds } from "./redis_server.mjs";

for (const name of backEnds) {
  describe(`redis, ${name}`, () => {
    let server, emulator, redis;
    before(async () => {
      server = await backEnd(name);
      emulator = await emulate("redis", { env: server.env });
      redis = new Redis({ url: emulator.env.UPSTASH_REDIS_REST_URL, token: emulator.env.UPSTASH_REDIS_REST_TOKEN });
    });
    after(async () => {
      await emulator.stop();
      await server.stop();
    });

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

    test("a script in a transaction sees what came before", async () => {
      const transaction = redis.multi();
      transaction.set("before", "v");
      transaction.eval('return redis.call("GET", KEYS[1])', ["before"], []);
      assert.deepEqual(await transaction.exec(), ["OK", "v"]);
    });
  });
}

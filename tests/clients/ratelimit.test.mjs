import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Ratelimit } from "@upstash/ratelimit";
import { open } from "./redis_server.mjs";
import { backEnds } from "./servers.mjs";

const ALGORITHMS = {
  "a fixed window": () => Ratelimit.fixedWindow(3, "1 h"),
  "a sliding window": () => Ratelimit.slidingWindow(3, "1 h"),
  "a token bucket": () => Ratelimit.tokenBucket(3, "1 h", 3),
};

for (const name of backEnds.redis) {
  describe(`rate limits, ${name}`, () => {
    let redis, stop;
    before(async () => ({ redis, stop } = await open(name)));
    after(() => stop());
    const limiter = (algorithm, prefix) =>
      new Ratelimit({ redis, limiter: algorithm, prefix, ephemeralCache: false, analytics: false });

    for (const [kind, algorithm] of Object.entries(ALGORITHMS)) {
      test(`${kind} lets three through, and each caller three of its own`, async () => {
        const limit = limiter(algorithm(), kind);
        const answers = [];
        for (let i = 0; i < 4; i++) answers.push(await limit.limit("anna"));
        assert.deepEqual(answers.map(({ success }) => success), [true, true, true, false]);
        assert.deepEqual(answers.map(({ remaining }) => remaining), [2, 1, 0, 0]);
        assert.ok(answers[3].reset > Date.now());
        assert.equal((await limit.limit("ben")).remaining, 2);
      });

      test(`${kind} tells what remains, and forgets what was used`, async () => {
        const limit = limiter(algorithm(), `${kind} again`);
        assert.equal((await limit.getRemaining("anna")).remaining, 3);
        await limit.limit("anna", { rate: 2 });
        assert.equal((await limit.getRemaining("anna")).remaining, 1);
        await limit.resetUsedTokens("anna");
        assert.equal((await limit.getRemaining("anna")).remaining, 3);
      });
    }

    test("who is refused can wait for the next window", async () => {
      const limit = limiter(Ratelimit.fixedWindow(1, "1 s"), "wait");
      assert.equal((await limit.limit("anna")).success, true);
      assert.equal((await limit.blockUntilReady("anna", 3000)).success, true);
    });

    test("many at once are counted one by one", async () => {
      const limit = limiter(Ratelimit.fixedWindow(10, "1 h"), "many");
      const answers = await Promise.all(Array.from({ length: 30 }, () => limit.limit("anna")));
      assert.equal(answers.filter(({ success }) => success).length, 10);
    });
  });
}

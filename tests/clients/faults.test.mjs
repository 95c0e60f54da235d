// The switchboard of faults, as the clients meet it.
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";
import { neon, neonConfig } from "@neondatabase/serverless";
import { Client } from "@upstash/qstash";
import Ably from "ably";
import { emulate } from "./emulator.mjs";

const services = {};
before(async () => {
  for (const name of ["redis", "postgres", "qstash", "ably"]) services[name] = await emulate(name);
});
after(async () => {
  for (const service of Object.values(services)) await service.stop();
});

const address = (service) => {
  const { UPSTASH_REDIS_REST_URL, DATABASE_HTTP_URL, QSTASH_URL, ABLY_URL } = services[service].env;
  const url = { redis: UPSTASH_REDIS_REST_URL, postgres: DATABASE_HTTP_URL, qstash: QSTASH_URL, ably: ABLY_URL }[service];
  return new URL("/_emulator/faults", url);
};
const set = async (service, fault) => {
  const answer = await fetch(address(service), { method: "POST", body: JSON.stringify(fault) });
  assert.equal(answer.status, 201, await answer.text());
};
afterEach(async () => {
  for (const service of Object.keys(services)) await fetch(address(service), { method: "DELETE" });
});

describe("faults", () => {
  test("Redis: an answer that is lost leaves what was done, and the client's repeat does it again", async () => {
    const { env } = services.redis;
    const redis = new Redis({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN });
    await set("redis", { kind: "drop_answer", count: 1, match: { contains: "twice" } });
    assert.equal(await redis.incr("twice"), 2);
    await set("redis", { kind: "drop_request", count: 1, match: { contains: "once" } });
    assert.equal(await redis.incr("once"), 1);
    await set("redis", { kind: "error", status: 500, count: 1 });
    await assert.rejects(redis.get("once"), /A failure as asked for/);
    await set("redis", { kind: "throttle", per_second: 1 });
    await redis.get("once");
    await assert.rejects(redis.get("once"), /Too many requests/);
  });

  test("Neon: an error that is none of the database's, and an answer cut short", async () => {
    const { env } = services.postgres;
    neonConfig.fetchEndpoint = env.DATABASE_HTTP_URL;
    const sql = neon(env.DATABASE_URL);
    await sql`create table acts (id int)`;
    await set("postgres", { kind: "error", status: 503, count: 1 });
    await assert.rejects(sql`insert into acts values (1)`, /HTTP status 503/);
    await set("postgres", { kind: "cut", count: 1 });
    await assert.rejects(sql`insert into acts values (2)`);
    await set("postgres", { kind: "duplicate", count: 1, match: { contains: "values (3)" } });
    await sql`insert into acts values (3)`;
    assert.deepEqual((await sql`select id from acts order by id`).map(({ id }) => id), [2, 3, 3]);
  });

  test("QStash: a publish whose answer is lost is published twice by a client that tries again", async () => {
    const { env } = services.qstash;
    const qstash = new Client({ baseUrl: env.QSTASH_URL, token: env.QSTASH_TOKEN });
    await set("qstash", { kind: "drop_answer", count: 1, match: { path: "/v2/publish" } });
    await qstash.publish({ url: "http://127.0.0.1:9/nowhere", body: "x", delay: "1h" });
    const { events } = await (await fetch(`${env.QSTASH_URL}/v2/events`, {
      headers: { authorization: `Bearer ${env.QSTASH_TOKEN}` },
    })).json();
    assert.equal(new Set(events.map(({ messageId }) => messageId)).size, 2);
  });

  test("Ably: an error in its own shape", async () => {
    const { env } = services.ably;
    const { hostname, port } = new URL(env.ABLY_URL);
    const ably = new Ably.Rest({
      key: env.ABLY_API_KEY, restHost: hostname, port: Number(port), tls: false, fallbackHosts: [],
    });
    await set("ably", { kind: "error", status: 400, count: 1 });
    await assert.rejects(ably.channels.get("c").publish("e", "d"), ({ statusCode, code }) => statusCode === 400 && code === 40000);
    await ably.channels.get("c").publish("e", "d");
  });
});

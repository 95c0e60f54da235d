import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as v1 from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as v2 from "@modelcontextprotocol/client";
import { emulate } from "./emulator.mjs";

const KEY = "makegood/idempotencyKey";
const info = { name: "tests", version: "1" };
let town, url;
before(async () => {
  town = await emulate("town");
  url = new URL(town.env.TOWN_MCP_URL);
});
after(() => town.stop());

const eras = {
  "the SDK before": async () => {
    const client = new v1.Client(info);
    await client.connect(new StreamableHTTPClientTransport(url));
    return client;
  },
  "the new SDK": async () => {
    const client = new v2.Client(info, { versionNegotiation: { mode: "auto" } });
    await client.connect(new v2.StreamableHTTPClientTransport(url));
    return client;
  },
};

for (const [era, connect] of Object.entries(eras)) {
  describe(`the town, ${era}`, () => {
    let client;
    before(async () => (client = await connect()));
    after(() => client.close());

    const call = (name, args, key) =>
      client.callTool({ name, arguments: args, ...(key && { _meta: { [KEY]: key } }) });
    const table = (time) => ({ restaurant: "Luigi's", date: "2031-05-04", time, party_size: 2, name: "Ada" });

    test("its tools say what they take, give and do", async () => {
      const { tools } = await client.listTools();
      const book = tools.find(({ name }) => name === "book_restaurant_table");
      assert.equal(book.inputSchema.properties.party_size.maximum, 20);
      assert.equal(book.outputSchema.properties.reservation_id.type, "string");
      const hints = (name) => tools.find((tool) => tool.name === name).annotations;
      assert.equal(hints("get_weather_data").readOnlyHint, true);
      assert.equal(hints("book_restaurant_table").destructiveHint, false);
      assert.equal(hints("send_message").destructiveHint, true);
      assert.ok(!tools.some(({ name }) => name.startsWith("bench_")));
    });

    test("a key acts once, is asked about, and is undone", async () => {
      const key = randomUUID();
      const first = await call("book_restaurant_table", table("18:00"), key);
      const again = await call("book_restaurant_table", table("18:00"), key);
      assert.deepEqual(again.structuredContent, first.structuredContent);
      const of = { tool: "book_restaurant_table", key };
      const told = async () => JSON.parse((await call("status", of)).content[0].text).state;
      assert.equal(await told(), "done");
      assert.deepEqual(JSON.parse((await call("undo", of)).content[0].text), { undone: true });
      assert.equal(await told(), "undone");
      const late = await call("book_restaurant_table", table("18:00"), key);
      assert.ok(late.isError);
      assert.match(late.content[0].text, /^undone: /);
    });

    test("without a key each call acts", async () => {
      const ids = [];
      for (let i = 0; i < 2; i++) {
        const { structuredContent } = await call("request_ride", {
          pickup: "Home", destination: "Luigi's", date: "2031-05-04", time: "17:30", passengers: 2,
        });
        ids.push(structuredContent.ride_id);
      }
      assert.notEqual(ids[0], ids[1]);
    });

    test("what the town refuses, and what it makes no sense of, is a result", async () => {
      for (const [name, args, why] of [
        ["book_restaurant_table", { ...table("18:00"), restaurant: "Nowhere" }, /: /],
        ["book_restaurant_table", { restaurant: "Luigi's" }, /^invalid_params: /],
        ["undo", { tool: "send_message", key: "k" }, /^not_undoable: /],
        ["undo", { tool: "../faults", key: "k" }, /no tool/],
        ["status", { tool: "request_ride", key: "a b" }, /^invalid_key: /],
        ["undo", { tool: "request_ride" }, /`key` must be a text/],
      ]) {
        const { isError, content } = await call(name, args, "undo" === name ? undefined : randomUUID());
        assert.ok(isError, name);
        assert.match(content[0].text, why);
      }
      const { isError } = await client.callTool({ name: "get_weather_data", arguments: {}, _meta: { [KEY]: 7 } });
      assert.ok(isError);
    });

    test("its faults befall these calls too", async () => {
      const faults = new URL("/demo/faults", url);
      await fetch(faults, { method: "POST", body: JSON.stringify({ tool: "request_ride", kind: "refuse", count: 1 }) });
      const ride = { pickup: "Home", destination: "Luigi's", date: "2031-05-04", time: "17:30", passengers: 2 };
      assert.ok((await call("request_ride", ride)).isError);
      assert.ok(!(await call("request_ride", ride)).isError);
    });
  });
}

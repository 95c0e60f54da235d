// Makegood itself over MCP: the official clients of both eras drive `/mcp`, and plans call tools of an MCP server.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as v1 from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as v2 from "@modelcontextprotocol/client";
import { platform } from "./platform.mjs";

const info = { name: "tests", version: "1" };
let makegood, url;
before(async () => {
  makegood = await platform();
  url = new URL("/mcp", makegood.url);
}, { timeout: 600_000 });
after(() => makegood?.stop());

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

/** Asks how a saga stands until it is as wanted. */
async function until(client, saga, wanted) {
  for (let i = 0; i < 100; i++) {
    const { structuredContent: report } = await client.callTool({ name: "saga_status", arguments: { saga } });
    if (wanted(report)) return report;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail("it did not come to that");
}
const rests = ({ phase }) => ["completed", "made_good", "stuck"].includes(phase);
const table = { restaurant: "Luigi's", date: "2031-05-04", time: "18:00", party_size: 2, name: "Ada" };

for (const [era, connect] of Object.entries(eras)) {
  describe(`/mcp, ${era}`, () => {
    let client;
    before(async () => (client = await connect()));
    after(() => client.close());
    const call = (name, args) => client.callTool({ name, arguments: args });
    const start = async (steps, more = {}) => {
      const { structuredContent, content, isError } = await call("start_saga", { plan: { steps }, ...more });
      assert.ok(!isError, content[0].text);
      return structuredContent;
    };

    test("a plan is made of the tools that are listed, and carried out", async () => {
      const { tools } = await client.listTools();
      assert.deepEqual(
        tools.map(({ name }) => name),
        ["list_tools", "start_saga", "saga_status", "approve", "reject", "cancel_saga"],
      );
      const { structuredContent } = await call("list_tools", {});
      assert.ok(structuredContent.tools.some(({ name, input }) => name === "book_restaurant_table" && input.properties.party_size));
      const { saga } = await start([{ id: "table", tool: "book_restaurant_table", params: table }]);
      assert.equal((await until(client, saga, rests)).phase, "completed");
    });

    test("a key starts once", async () => {
      const key = randomUUID();
      const steps = [{ id: "w", tool: "get_weather_data", params: { place: "Harbour", date: "2031-05-04" } }];
      const [first, again] = [await start(steps, { key }), await start(steps, { key })];
      assert.deepEqual([again.saga, first.created, again.created], [first.saga, true, false]);
    });

    test("a step that waits is approved, or not", async () => {
      for (const [verb, phase] of [["approve", "completed"], ["reject", "made_good"]]) {
        const { saga } = await start([{ id: "table", tool: "book_restaurant_table", params: table, approval: { question: "Really?" } }]);
        await until(client, saga, ({ steps }) => steps[0].standing === "waiting" || steps[0].approval);
        const decided = await call(verb, { saga, step: "table" });
        assert.ok(!decided.isError, decided.content[0].text);
        assert.equal((await until(client, saga, rests)).phase, phase);
      }
    });

    test("what is refused is a result", async () => {
      for (const [name, args, why] of [
        ["start_saga", { plan: { steps: [{ id: "a", tool: "teleport" }] } }, /^unknown_tool: /],
        ["saga_status", { saga: "sg_0" }, /^invalid_request: /],
        ["cancel_saga", {}, /^invalid_request: /],
      ]) {
        const { isError, content } = await call(name, args);
        assert.ok(isError, name);
        assert.match(content[0].text, why);
      }
    });
  });
}

describe("tools of an MCP server", () => {
  let client;
  before(async () => (client = await eras["the new SDK"]()));
  after(() => client.close());

  const key = (tool) => ({ tool, arguments: { tool: "request_ride", key: "$key" } });
  const words = {
    tools: {
      request_ride: {
        class: "compensatable", repeat: { keyed: { ttl_ms: 86_400_000 } },
        undo: key("undo"), status: key("status"), fence: true,
      },
    },
  };
  const ride = { pickup: "Home", destination: "Luigi's", date: "2031-05-04", time: "17:30", passengers: 2 };
  const world = async () => (await fetch(`${makegood.url}/demo/world`, { headers: { accept: "application/json" } })).json();
  const run = async (steps) => {
    const { structuredContent, content } = await client.callTool({ name: "start_saga", arguments: { plan: { steps } } });
    assert.ok(structuredContent?.saga, content[0].text);
    return until(client, structuredContent.saga, rests);
  };

  test("they are added, listed, shown and removed", async () => {
    const file = await makegood.file("words.json", words);
    const dry = await makegood.tools("add", "--server", "town", "--dry-run");
    assert.ok(dry.ok && dry.out.includes("town_send_message"), dry.err);
    const added = await makegood.tools("add", "--server", "town", "--words", file);
    assert.match(added.out, /^town_request_ride [0-9a-f]{16} new\n/, added.err);
    const again = await makegood.tools("add", "--server", "town", "--words", file);
    assert.match(again.out, /as before/, again.err);
    const alone = await makegood.tools("add", "--server", "town", "send_message");
    assert.match(alone.out, /^town_send_message /, alone.err);
    const listed = await makegood.tools("list");
    assert.match(listed.out, /town_request_ride +compensatable +town +[0-9a-f]{16} +in use/);
    assert.match(listed.out, /town_send_message +pivot +town/);
    const shown = await makegood.tools("show", "town_request_ride");
    assert.equal(JSON.parse(shown.out).mcp.undo.tool, "undo");
    const removed = await makegood.tools("remove", "town_send_message");
    assert.ok(removed.ok, removed.err);
    assert.match((await makegood.tools("list")).out, /town_send_message.* out of use: removed/);
    assert.ok(!(await makegood.tools("remove", "town_send_message")).ok);
    const nobody = await makegood.tools("add", "--server", "bank");
    assert.match(nobody.err, /no server `bank`/);
  });

  test("a plan calls them, and what they did is undone", async () => {
    await fetch(`${makegood.url}/demo/reset`, { method: "POST" });
    const step = { id: "ride", tool: "town_request_ride", params: ride };
    assert.equal((await run([step])).phase, "completed");
    assert.equal((await world()).rides.length, 1);
    await fetch(`${makegood.url}/demo/faults`, {
      method: "POST", body: JSON.stringify({ tool: "book_restaurant_table", kind: "refuse", count: 1 }),
    });
    const undone = await run([step, { id: "table", tool: "book_restaurant_table", params: table, after: ["ride"] }]);
    assert.equal(undone.phase, "made_good", JSON.stringify(undone));
    assert.equal((await world()).rides.length, 1, "the second is cancelled");
  });

  test("an answer that is lost is asked for again under the same key", async () => {
    await fetch(`${makegood.url}/demo/reset`, { method: "POST" });
    await fetch(`${makegood.url}/demo/faults`, {
      method: "POST", body: JSON.stringify({ tool: "request_ride", kind: "apply_then_lose", count: 1 }),
    });
    const report = await run([{ id: "ride", tool: "town_request_ride", params: ride }]);
    assert.equal(report.phase, "completed", JSON.stringify(report));
    assert.equal((await world()).rides.length, 1);
  });

  test("the kit finds nothing wrong with them", async () => {
    const sample = await makegood.file("sample.json", { tool: "town_request_ride", params: { ...ride, passengers: 4 }, refused: { ...ride, passengers: 9 } });
    const { ok, out, err } = await makegood.tools("test", sample);
    assert.ok(ok, out + err);
  });
});

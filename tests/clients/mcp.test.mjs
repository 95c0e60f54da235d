import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import * as v1 from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as v2 from "@modelcontextprotocol/client";
import { emulate } from "./emulator.mjs";

let emulator, url;
before(async () => {
  emulator = await emulate("mcp");
  url = new URL(emulator.env.MCP_URL);
});
after(() => emulator.stop());

const info = { name: "test", version: "1" };
const eras = {
  "the SDK of the era before": async () => {
    const client = new v1.Client(info);
    await client.connect(new V1Transport(url));
    return client;
  },
  "the new SDK, asking for the era before": async () => {
    const client = new v2.Client(info);
    await client.connect(new v2.StreamableHTTPClientTransport(url));
    return client;
  },
  "the new SDK": async () => {
    const client = new v2.Client(info, { versionNegotiation: { mode: "auto" } });
    await client.connect(new v2.StreamableHTTPClientTransport(url));
    assert.equal(client.getProtocolEra(), "modern");
    return client;
  },
};

for (const [era, connect] of Object.entries(eras)) {
  describe(era, () => {
    let client;
    before(async () => (client = await connect()));
    after(() => client.close());

    test("tools are listed with what they do to the world", async () => {
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map(({ name }) => name), ["echo", "add", "fail", "wipe"]);
      assert.equal(tools[1].annotations.readOnlyHint, true);
      assert.equal(tools[3].annotations.destructiveHint, true);
    });

    test("a tool is called, and what it gives fits its schema", async () => {
      const echoed = await client.callTool({ name: "echo", arguments: { text: "zwölf" } });
      assert.deepEqual(echoed.content, [{ type: "text", text: "zwölf" }]);
      const { structuredContent } = await client.callTool({ name: "add", arguments: { a: 2, b: 40 } });
      assert.deepEqual(structuredContent, { sum: 42 });
    });

    test("what fails, and what is called wrongly, is a result", async () => {
      const failed = await client.callTool({ name: "fail", arguments: { message: "no more rooms" } });
      assert.equal(failed.isError, true);
      assert.equal(failed.content[0].text, "no more rooms");
      assert.equal((await client.callTool({ name: "add", arguments: { a: "x", b: 1 } })).isError, true);
    });

    test("a tool that there is not is an error", async () => {
      await assert.rejects(client.callTool({ name: "fly", arguments: {} }), (error) => error.code === -32602);
    });

    test("progress is heard of", async () => {
      const heard = [];
      const options = { onprogress: (progress) => heard.push(progress) };
      const request = { name: "echo", arguments: { text: "x" } };
      await (client instanceof v1.Client ? client.callTool(request, undefined, options) : client.callTool(request, options));
      assert.deepEqual(heard, [{ progress: 1, total: 1 }]);
    });
  });
}

describe("over plain HTTP", () => {
  const post = async (body, headers = {}) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, session: response.headers.get("mcp-session-id"), ...(text && JSON.parse(text)) };
  };
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const modern = (method, params = {}) => ({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: meta } });
  const headers = (method, more = {}) => ({ "mcp-protocol-version": "2026-07-28", "mcp-method": method, ...more });
  const refused = async (answer, status, code) => {
    const { error, ...rest } = await answer;
    assert.deepEqual([rest.status, error?.code], [status, code], JSON.stringify(error));
  };

  test("headers say what the body says", async () => {
    const call = modern("tools/call", { name: "echo", arguments: { text: "x" } });
    await refused(post(call, headers("tools/call")), 400, -32020);
    await refused(post(call, headers("tools/list", { "mcp-name": "echo" })), 400, -32020);
    await refused(post(call, { ...headers("tools/call", { "mcp-name": "echo" }), "mcp-protocol-version": "2025-11-25" }), 400, -32020);
    const encoded = `=?base64?${Buffer.from("echo").toString("base64")}?=`;
    assert.equal((await post(call, headers("tools/call", { "mcp-name": encoded }))).result.resultType, "complete");
  });

  test("versions and methods that there are not are told so", async () => {
    const later = modern("tools/list");
    later.params._meta = { ...meta, "io.modelcontextprotocol/protocolVersion": "2027-01-01" };
    const answer = await post(later, { ...headers("tools/list"), "mcp-protocol-version": "2027-01-01" });
    assert.deepEqual([answer.status, answer.error.code, answer.error.data], [400, -32022, { supported: ["2026-07-28"], requested: "2027-01-01" }]);
    await refused(post(modern("prompts/list"), headers("prompts/list")), 404, -32601);
    const { result } = await post(modern("server/discover"), headers("server/discover"));
    assert.ok(result.supportedVersions.includes("2026-07-28") && result.ttlMs > 0);
  });

  test("a session is needed, kept and ended", async () => {
    const list = { jsonrpc: "2.0", id: 2, method: "tools/list" };
    await refused(post(list), 400, -32000);
    await refused(post(list, { "mcp-session-id": "gone" }), 404, -32001);
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: info };
    const { session } = await post({ jsonrpc: "2.0", id: 1, method: "initialize", params });
    const named = { "mcp-session-id": session };
    assert.equal((await post({ jsonrpc: "2.0", method: "notifications/initialized" }, named)).status, 202);
    assert.equal((await post(list, named)).result.tools.length, 4);
    await refused(post(list, { ...named, "mcp-protocol-version": "1999-01-01" }), 400, -32000);
    assert.equal((await fetch(url, { method: "DELETE", headers: named })).status, 200);
    await refused(post(list, named), 404, -32001);
  });

  test("bad input is refused", async () => {
    await refused(post("{"), 400, -32700);
    await refused(post([]), 400, -32600);
    await refused(post({ id: 1, method: "tools/list" }), 400, -32600);
    await refused(post("{}", { accept: "application/json" }), 406, -32000);
    await refused(post("{}", { "content-type": "text/plain" }), 415, -32000);
    await refused(post("{}", { origin: "https://evil.example" }), 403, -32000);
    await refused(post("x".repeat(5 << 20)), 413, -32000);
    assert.equal((await fetch(url)).status, 405);
  });
});

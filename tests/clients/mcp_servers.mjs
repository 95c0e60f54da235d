// The official servers of both eras, with tools of each kind: the other side of our own client's tests.
// Prints where they are, a line of JSON, and ends with its standard input.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { McpServer as LegacyServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { McpServer, createMcpHandler } from "@modelcontextprotocol/server";
import { z } from "zod";

// What a tool says of itself; a test has it changed.
let description = "Adds two numbers.";

function withTools(server) {
  const text = (text) => ({ content: [{ type: "text", text }] });
  server.registerTool(
    "addNumbers",
    {
      description,
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() }),
      annotations: { readOnlyHint: true },
    },
    ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } }),
  );
  server.registerTool("say", { inputSchema: z.object({ text: z.string().regex(/^[a-z]+$/) }) }, ({ text: said }) => text(said));
  server.registerTool("fail", { inputSchema: z.object({}) }, () => {
    throw new Error("It does not work today.");
  });
  server.registerTool("hang", { inputSchema: z.object({}) }, () => new Promise(() => {}));
  return server;
}

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

// 2025-11-25, with sessions.
const sessions = new Map();
const legacy = createServer(async (request, response) => {
  const id = request.headers["mcp-session-id"];
  let transport = sessions.get(id);
  if (!transport) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, transport),
      onsessionclosed: (id) => sessions.delete(id),
    });
    await withTools(new LegacyServer({ name: "legacy", version: "1" })).connect(transport);
  }
  await transport.handleRequest(request, response);
});

// 2026-07-28.
const handler = createMcpHandler(() => withTools(new McpServer({ name: "modern", version: "1" })));
const modern = createServer(async (request, response) => {
  const answer = await handler.fetch(
    new Request(`http://${request.headers.host}${request.url}`, {
      method: request.method,
      headers: Object.entries(request.headers),
      body: request.method === "POST" ? await body(request) : undefined,
    }),
  );
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
});

// Changes what is said of `addNumbers` (POST), and tells how many sessions are open (GET).
const control = createServer(async (request, response) => {
  if (request.method === "POST") description = String(await body(request));
  response.end(JSON.stringify({ sessions: sessions.size }));
});

const address = (server) =>
  new Promise((done) => server.listen(0, "127.0.0.1", () => done(`http://127.0.0.1:${server.address().port}/`)));
const [legacyUrl, modernUrl, controlUrl] = await Promise.all([legacy, modern, control].map(address));
console.log(JSON.stringify({ legacy: legacyUrl, modern: modernUrl, control: controlUrl }));
process.stdin.on("end", () => process.exit()).resume();

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import OpenAI from "openai";
import { emulate } from "./emulator.mjs";

let emulator, openai;
before(async () => {
  emulator = await emulate("llm");
  openai = new OpenAI({ baseURL: emulator.env.OPENAI_BASE_URL, apiKey: emulator.env.OPENAI_API_KEY });
});
after(() => emulator.stop());

const model = "test-model";
const user = (content) => [{ role: "user", content }];
const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const admin = (path, method, body) =>
  fetch(`${emulator.env.OPENAI_BASE_URL}/_emulator/${path}`, {
    method,
    headers: { authorization: `Bearer ${emulator.env.OPENAI_API_KEY}` },
    body: body && JSON.stringify(body),
  }).then((response) => response.json());

test("a plain answer, the same each time", async () => {
  const ask = { model, messages: user("echo: Guten Tag, zwölf") };
  const first = await openai.chat.completions.create(ask);
  assert.equal(first.choices[0].message.content, "Guten Tag, zwölf");
  assert.equal(first.choices[0].finish_reason, "stop");
  assert.equal(first.usage.total_tokens, first.usage.prompt_tokens + first.usage.completion_tokens);
  assert.equal((await openai.chat.completions.create(ask)).id, first.id);
  const { requests } = await admin("requests", "GET");
  assert.equal(requests.at(-1).body.messages[0].content, "echo: Guten Tag, zwölf");
});

test("a streamed answer, with its usage at the end", async () => {
  const stream = await openai.chat.completions.create({
    model,
    messages: user("long: 20"),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "", usage, finish, pieces = 0;
  for await (const chunk of stream) {
    const choice = chunk.choices[0];
    if (choice?.delta.content) (text += choice.delta.content), pieces++;
    finish = choice?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  assert.equal(text.split(" ").length, 20);
  assert.ok(pieces > 5);
  assert.equal(finish, "stop");
  assert.ok(usage.completion_tokens >= 20);
});

test("streamed calls of tools are put together", async () => {
  const stream = openai.chat.completions.stream({
    model,
    tools: [weather],
    messages: user('calls: weather {"city":"Oslo, the one in Norway"} | weather {"city":"Rome"}'),
  });
  const { choices } = await stream.finalChatCompletion();
  assert.equal(choices[0].finish_reason, "tool_calls");
  assert.deepEqual(
    choices[0].message.tool_calls.map((call) => JSON.parse(call.function.arguments).city),
    ["Oslo, the one in Norway", "Rome"],
  );
});

test("a tool is called, and its result comes back", async () => {
  const messages = user('call: weather {"city":"Oslo"}');
  const { choices } = await openai.chat.completions.create({ model, messages, tools: [weather] });
  const { message } = choices[0];
  assert.equal(message.content, null);
  messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "rain" });
  const answer = await openai.chat.completions.create({ model, messages, tools: [weather] });
  assert.equal(answer.choices[0].message.content, "tool said: rain");
});

test("structured output is parsed", async () => {
  const completion = await openai.chat.completions.parse({
    model,
    messages: user("Where to?"),
    response_format: {
      type: "json_schema",
      json_schema: {
        name: "place",
        strict: true,
        schema: {
          type: "object",
          properties: {
            kind: { enum: ["city", "country"] },
            size: { type: "integer", minimum: 3 },
            near: { anyOf: [{ $ref: "#" }, { type: "null" }] },
          },
          required: ["kind", "size", "near"],
          additionalProperties: false,
        },
      },
    },
  });
  assert.deepEqual(JSON.parse(completion.choices[0].message.content), { kind: "city", size: 3, near: null });
});

test("embeddings come as base64, as numbers, and shorter", async () => {
  const embed = async (input, more) =>
    (await openai.embeddings.create({ model: "text-embedding-3-small", input, ...more })).data.map((d) => d.embedding);
  const [a, b, c] = await embed(["a table for two", "the table for four", "weather in Oslo"]);
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  assert.equal(a.length, 1536);
  assert.ok(Math.abs(dot(a, a) - 1) < 1e-4);
  assert.ok(dot(a, b) > dot(a, c) + 0.1);
  const [numbers] = await embed("a table for two", { encoding_format: "float" });
  assert.ok(numbers.every((value, i) => Math.abs(value - a[i]) < 1e-6));
  const [short] = await embed("a table for two", { dimensions: 64 });
  assert.equal(short.length, 64);
  assert.ok(Math.abs(dot(short, short) - 1) < 1e-4);
});

test("models are listed", async () => {
  const ids = [];
  for await (const { id } of openai.models.list()) ids.push(id);
  assert.deepEqual(ids, ["test-model", "gpt-4o-mini", "text-embedding-3-small"]);
  assert.equal((await openai.models.retrieve("gpt-4o-mini")).id, "gpt-4o-mini");
});

test("errors have their classes", async () => {
  const stranger = openai.withOptions({ apiKey: "wrong" });
  const unauthorised = await stranger.models.list().catch((error) => error);
  assert.ok(unauthorised instanceof OpenAI.AuthenticationError);
  assert.equal(unauthorised.code, "invalid_api_key");
  assert.ok(unauthorised.requestID);
  const unknown = await openai.chat.completions.create({ model: "gpt-9", messages: user("x") }).catch((e) => e);
  assert.ok(unknown instanceof OpenAI.NotFoundError);
  assert.equal(unknown.code, "model_not_found");
  const wrong = await openai.chat.completions.create({ model, messages: [] }).catch((error) => error);
  assert.ok(wrong instanceof OpenAI.BadRequestError);
  assert.equal(wrong.param, "messages");
  const limited = await openai.chat.completions
    .create({ model, messages: user("fail: 429 0") }, { maxRetries: 1 })
    .catch((error) => error);
  assert.ok(limited instanceof OpenAI.RateLimitError);
  assert.equal(limited.type, "rate_limit_error");
  const { requests } = await admin("requests", "GET");
  assert.deepEqual(requests.slice(-2).map(({ status, retry }) => [status, retry]), [[429, 0], [429, 1]]);
});

test("the client's own retry gets over a failure that happens once", async () => {
  const { choices } = await openai.chat.completions.create({ model, messages: user("fail: 429 0 once") });
  assert.equal(choices[0].message.content, "recovered");
});

test("a stream that is cut in its middle throws", async () => {
  const faults = new URL("/_emulator/faults", openai.baseURL);
  await fetch(faults, { method: "POST", body: JSON.stringify({ kind: "cut", match: { contains: "long: 40" } }) });
  const stream = await openai.chat.completions.create({ model, messages: user("long: 40"), stream: true });
  let pieces = 0;
  await assert.rejects(async () => {
    for await (const _ of stream) pieces++;
  });
  assert.ok(pieces > 0);
  await fetch(faults, { method: "DELETE" });
});

test("a reader who leaves a stream ends it", async () => {
  const stream = await openai.chat.completions.create({ model, messages: user("long: 100000"), stream: true });
  for await (const _ of stream) break;
  const { choices } = await openai.chat.completions.create({ model, messages: user("echo: still there") });
  assert.equal(choices[0].message.content, "still there");
});

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { emulate } from "./emulator.mjs";

let emulator, url;
before(async () => {
  emulator = await emulate("otlp");
  url = emulator.env.OTEL_EXPORTER_OTLP_ENDPOINT;
});
after(() => emulator.stop());

/** Every way in which a span can travel. */
const ways = [JsonTraces, ProtobufTraces].flatMap((Exporter) => {
  const encoding = Exporter === JsonTraces ? "JSON" : "protobuf";
  return ["none", "gzip"].map((compression) => ({ name: `${encoding}, ${compression}`, Exporter, compression }));
});

/** An exporter that notes what became of each batch; `settled()` fails where one was not taken. */
function noted(exporter, flush) {
  const results = [];
  const settled = async () => {
    await flush();
    assert.ok(results.length > 0);
    for (const { code, error } of results) assert.equal(code, 0, error);
  };
  const noting = {
    export: (batch, done) => exporter.export(batch, (result) => (results.push(result), done(result))),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
  return { exporter: noting, settled };
}

/** A tracer whose spans are sent when it settles. */
function tracing({ Exporter, compression }) {
  const { exporter, settled } = noted(new Exporter({ url: `${url}/v1/traces`, compression }), () => provider.forceFlush());
  const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
  return { tracer: provider.getTracer("tests", "1.2.3"), settled };
}

/** A logger whose records are sent when it settles. */
function logging(Exporter) {
  const { exporter, settled } = noted(new Exporter({ url: `${url}/v1/logs`, compression: "gzip" }), () => provider.forceFlush());
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] });
  return { logger: provider.getLogger("tests"), settled };
}

const read = async (path) => {
  const response = await fetch(`${url}${path}`);
  assert.equal(response.status, 200, path);
  return response.json();
};
const base64 = (hex) => Buffer.from(hex, "hex").toString("base64");
/** The spans of a trace, by name, each with its resource's attributes and its scope. */
async function spans(traceId) {
  const { batches } = await read(`/api/traces/${traceId}`);
  const all = batches.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ ...span, resource: resource?.attributes, scope }))),
  );
  return Object.fromEntries(all.map((span) => [span.name, span]));
}

for (const way of ways) {
  test(`a span arrives whole: ${way.name}`, async () => {
    const { tracer, settled } = tracing(way);
    const parent = tracer.startSpan("parent", { kind: SpanKind.SERVER, startTime: [1_700_000_000, 123_456_789] });
    const other = tracer.startSpan("other");
    const child = tracer.startSpan(
      "child",
      {
        kind: SpanKind.CLIENT,
        attributes: { text: "zwölf", flag: false, whole: -7, large: Number.MAX_SAFE_INTEGER, real: 0.5 },
        links: [{ context: other.spanContext(), attributes: { why: "it is alike" } }],
      },
      trace.setSpan(ROOT_CONTEXT, parent),
    );
    child.setAttributes({ texts: ["a", "b"], numbers: [1, 2.5], flags: [true, false] });
    child.addEvent("paid", { amount: 12 }, [1_700_000_001, 5]);
    child.setStatus({ code: SpanStatusCode.ERROR, message: "no tables" });
    child.end();
    parent.setStatus({ code: SpanStatusCode.OK });
    parent.end([1_700_000_002, 1]);
    other.end();
    await settled();

    const { traceId, spanId } = parent.spanContext();
    const kept = await spans(traceId);
    assert.deepEqual(Object.keys(kept).sort(), ["child", "parent"]);
    assert.equal(kept.parent.traceId, base64(traceId));
    assert.equal(kept.parent.spanId, base64(spanId));
    assert.equal(kept.parent.parentSpanId, undefined);
    assert.equal(kept.parent.kind, "SPAN_KIND_SERVER");
    assert.deepEqual(kept.parent.status, { code: "STATUS_CODE_OK" });
    assert.equal(kept.parent.startTimeUnixNano, "1700000000123456789");
    assert.equal(kept.parent.endTimeUnixNano, "1700000002000000001");
    assert.deepEqual(kept.parent.scope, { name: "tests", version: "1.2.3" });
    const service = kept.parent.resource.find(({ key }) => key === "service.name");
    assert.match(service.value.stringValue, /^unknown_service/);

    assert.equal(kept.child.parentSpanId, base64(spanId));
    assert.equal(kept.child.kind, "SPAN_KIND_CLIENT");
    assert.deepEqual(kept.child.status, { code: "STATUS_CODE_ERROR", message: "no tables" });
    const values = Object.fromEntries(kept.child.attributes.map(({ key, value }) => [key, value]));
    const { numbers, ...plain } = values;
    assert.deepEqual(plain, {
      text: { stringValue: "zwölf" },
      flag: { boolValue: false },
      whole: { intValue: "-7" },
      large: { intValue: String(Number.MAX_SAFE_INTEGER) },
      real: { doubleValue: 0.5 },
      texts: { arrayValue: { values: [{ stringValue: "a" }, { stringValue: "b" }] } },
      flags: { arrayValue: { values: [{ boolValue: true }, { boolValue: false }] } },
    });
    assert.deepEqual(numbers.arrayValue.values[1], { doubleValue: 2.5 });
    const event = { timeUnixNano: "1700000001000000005", name: "paid", attributes: [{ key: "amount", value: { intValue: "12" } }] };
    assert.deepEqual(kept.child.events, [event]);
    const [link] = kept.child.links;
    assert.deepEqual([link.traceId, link.spanId], [base64(other.spanContext().traceId), base64(other.spanContext().spanId)]);
    assert.deepEqual(link.attributes, [{ key: "why", value: { stringValue: "it is alike" } }]);

    const { traces } = await read(`/api/search?${new URLSearchParams({ q: '{ span.text = "zwölf" && status = error }', limit: 100 })}`);
    assert.ok(traces.some(({ traceID }) => traceID.padStart(32, "0") === traceId));
  });
}

for (const [encoding, Exporter] of [["JSON", JsonLogs], ["protobuf", ProtobufLogs]]) {
  test(`a log record arrives whole: ${encoding}`, async () => {
    const { logger, settled } = logging(Exporter);
    const { tracer } = tracing(ways[0]);
    const span = tracer.startSpan("saying");
    logger.emit({
      timestamp: [1_700_000_000, 7],
      severityNumber: 17,
      severityText: "ERROR",
      body: { what: "no tables", tried: [1, true, null] },
      attributes: { saga: "s-1", bytes: new Uint8Array([0, 255]) },
      context: trace.setSpan(ROOT_CONTEXT, span),
    });
    await settled();
    const { traceId, spanId } = span.spanContext();
    const { logs } = await read(`/api/logs?trace=${traceId}`);
    assert.equal(logs.length, 1);
    const [{ timeUnixNano, severityNumber, severityText, body, attributes, scope, ...rest }] = logs;
    assert.deepEqual([rest.traceId, rest.spanId, scope], [traceId, spanId, { name: "tests" }]);
    assert.deepEqual([timeUnixNano, severityNumber, severityText], ["1700000000000000007", 17, "ERROR"]);
    const [what, tried] = body.kvlistValue.values;
    assert.deepEqual(what, { key: "what", value: { stringValue: "no tables" } });
    assert.deepEqual(tried.value.arrayValue.values, [{ intValue: "1" }, { boolValue: true }, {}]);
    const bytes = attributes.find(({ key }) => key === "bytes");
    assert.deepEqual(bytes.value, { bytesValue: "AP8=" });
  });
}

test("nonsense gets its error, in its own type, and what comes next is served", async () => {
  const send = async (body, headers, path = "/v1/traces") => {
    const response = await fetch(`${url}${path}`, { method: "POST", body, headers });
    return [response.status, response.headers.get("content-type"), Buffer.from(await response.arrayBuffer())];
  };
  const json = { "content-type": "application/json" };
  const protobuf = { "content-type": "application/x-protobuf" };
  for (const body of ["", "{", "[]", '{"resourceSpans":7}']) {
    const [status, type, answer] = await send(body, json);
    assert.deepEqual([status, type], [400, "application/json"], body);
    assert.equal(JSON.parse(answer).code, 3);
  }
  const [status, type, answer] = await send("nonsense", protobuf);
  assert.deepEqual([status, type], [400, "application/x-protobuf"]);
  // google.rpc.Status: field 1 is the code, 3 (INVALID_ARGUMENT), field 2 a text.
  assert.deepEqual([...answer.subarray(0, 3)], [0x08, 0x03, 0x12]);
  assert.equal((await send("{}", { ...json, "content-encoding": "gzip" }))[0], 400);
  assert.equal((await send("{}", { "content-type": "text/html" }))[0], 415);
  assert.equal((await send(gzipSync(Buffer.alloc((64 << 20) + 1)), { ...protobuf, "content-encoding": "gzip" }))[0], 413);
  assert.equal((await fetch(`${url}/v1/traces`)).status, 405);
  assert.deepEqual((await send("{}", json))[2].toString(), "{}");

  const { tracer, settled } = tracing(ways[0]);
  const span = tracer.startSpan("afterwards");
  span.end();
  await settled();
  assert.ok((await spans(span.spanContext().traceId)).afterwards);
});

test("a client is told of what was rejected, and the rest is kept", async () => {
  const good = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", name: "good" };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...good, spanId: "b7" }, good] }] }] });
  const response = await fetch(`${url}/v1/traces`, { method: "POST", body, headers: { "content-type": "application/json" } });
  const { partialSuccess } = await response.json();
  assert.deepEqual([response.status, partialSuccess.rejectedSpans], [200, "1"]);
  assert.deepEqual(Object.keys(await spans(good.traceId)), ["good"]);
});

test("what was acknowledged is there after kill -9", async () => {
  const { tracer, settled } = tracing(ways[3]);
  const kept = Array.from({ length: 50 }, (_, number) => tracer.startSpan(`span ${number}`));
  kept.forEach((span) => span.end());
  await settled();
  const { logger, settled: said } = logging(JsonLogs);
  logger.emit({ body: "before the end", severityNumber: 9 });
  await said();
  const before = await read("/api/logs?limit=1");
  assert.equal(before.logs[0].body.stringValue, "before the end");

  await emulator.kill();
  await emulator.restart();
  for (const span of kept) {
    assert.ok(Object.keys(await spans(span.spanContext().traceId)).length === 1);
  }
  assert.deepEqual(await read("/api/logs?limit=1"), before);
});

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { Client, WorkflowNonRetryableError, WorkflowRetryAfterError, serve } from "@upstash/workflow";
import { destination } from "./destination.mjs";
import { emulate } from "./emulator.mjs";

// The SDK tells of every error that a step throws; here they are thrown on purpose.
console.error = console.warn = () => {};

let emulator, client, target, here;
// The workflows that are served, by name, and what a third party is to answer.
const workflows = new Map();
const third = new Map();
// The names of the steps that ran, by run.
const ran = new Map();

before(async () => {
  emulator = await emulate("qstash");
  const { env } = emulator;
  client = new Client({ baseUrl: env.QSTASH_URL, token: env.QSTASH_TOKEN });
  target = await destination(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const name = request.url.split("/").pop();
    const answer = third.has(name)
      ? await third.get(name)({ method: request.method, headers: request.headers, body: body.toString() })
      : await workflows.get(name)(new Request(`${here}${request.url}`, {
        method: request.method, headers: request.headers, body: body.length ? body : undefined,
      }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  here = target.url;
});
after(async () => {
  target.stop();
  await emulator.stop();
});

/** Serves a workflow under a name; `step` is `context.run`, and notes that it ran. */
function workflow(name, route, options = {}) {
  const { handler } = serve(async (context) => {
    const step = (title, work = () => title) => context.run(title, () => {
      ran.set(context.workflowRunId, [...(ran.get(context.workflowRunId) ?? []), title]);
      return work();
    });
    return await route(context, step);
  }, { env: emulator.env, ...options });
  workflows.set(name, handler);
  return { url: `${here}/${name}` };
}

async function until(what, wanted) {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await new Promise((next) => setTimeout(next, 20))) {
    const found = await wanted();
    if (found) return found;
  }
  assert.fail(`it did not come: ${what}`);
}

const log = async (workflowRunId) => (await client.logs({ workflowRunId })).runs[0];
const ended = (id, state = "RUN_SUCCESS") => until(`${id} ${state}`, async () => {
  const run = await log(id);
  assert.ok(run.workflowState === "RUN_STARTED" || run.workflowState === state, JSON.stringify(run));
  return run.workflowState === state && run;
});
const result = async (id) => JSON.parse((await ended(id)).workflowRunResponse);
/** All steps of a run's log, without their groups. */
const steps = (run) => run.steps.flatMap((group) => group.steps);
const waits = (id, name) => until(`${id} waits at ${name}`, async () =>
  steps(await log(id)).some((step) => step.stepName === name && step.state === "STEP_PROGRESS"));

async function ask(path, init = {}) {
  const headers = { authorization: `Bearer ${emulator.env.QSTASH_TOKEN}`, ...init.headers };
  const response = await fetch(`${emulator.env.QSTASH_URL}/v2/${path}`, { method: "POST", ...init, headers });
  const text = await response.text();
  return [response.status, text && JSON.parse(text)];
}
const advance = (by) => ask("_emulator/clock", { body: JSON.stringify({ advance: by }) });

test("a run takes its steps one after the other, and each knows what came before", async () => {
  const { url } = workflow("sums", async (context, step) => {
    const one = await step("one", () => context.requestPayload.n + 1);
    const two = await step("two", () => one * 10);
    const three = await step("three", () => ({ two, header: context.headers.get("x-own"), label: context.label }));
    return { three, retried: context.retried };
  });
  const { workflowRunId } = await client.trigger({ url, body: { n: 4 }, headers: { "x-own": "yes" }, label: "sum" });
  assert.deepEqual(await result(workflowRunId), { three: { two: 50, header: "yes", label: "sum" }, retried: 0 });
  assert.deepEqual(ran.get(workflowRunId), ["one", "two", "three"]);
  const run = await log(workflowRunId);
  assert.deepEqual(steps(run).map(({ stepName, state }) => [stepName, state]),
    ["init", "one", "two", "three"].map((name) => [name, "STEP_SUCCESS"]));
  assert.equal(run.workflowUrl, url);
  const { runs } = await client.logs({ filter: { label: "sum", workflowUrl: url } });
  assert.deepEqual(runs.map((found) => found.workflowRunId), [workflowRunId]);
});

test("a run begins once, however often it is asked for", async () => {
  const { url } = workflow("once", (_, step) => step("only"));
  const asked = await client.trigger([1, 2].map(() => ({ url, workflowRunId: "the-one" })));
  assert.deepEqual(asked.map(({ workflowRunId }) => workflowRunId), ["wfr_the-one", "wfr_the-one"]);
  await ended("wfr_the-one");
  await client.trigger({ url, workflowRunId: "the-one" });
  assert.deepEqual(ran.get("wfr_the-one"), ["only"]);
});

test("a step that throws is tried again, with the back-off and the retries of the trigger", async () => {
  let thrown = 0;
  const { url } = workflow("flaky", async (_, step) => {
    await step("sure");
    return await step("flaky", () => {
      if (thrown++ < 2) throw new Error("not yet");
      return thrown;
    });
  });
  const { workflowRunId } = await client.trigger({ url });
  for (const delay of ["12s", "2m28s"]) {
    await until("the retry", async () => steps(await log(workflowRunId)).some(({ state, retries }) =>
      state === "STEP_RETRY" && retries === (delay === "12s" ? 1 : 2)));
    await advance(delay);
  }
  assert.equal(await result(workflowRunId), 3);
  assert.deepEqual(ran.get(workflowRunId), ["sure", "flaky", "flaky", "flaky"]);
});

test("a step may say when it is to be tried again", async () => {
  let thrown = 0;
  const { url } = workflow("later", (_, step) => step("busy", () => {
    if (thrown++ === 0) throw new WorkflowRetryAfterError("busy", 3600);
    return "done";
  }));
  const { workflowRunId } = await client.trigger({ url });
  await until("the retry", async () => steps(await log(workflowRunId)).some(({ state }) => state === "STEP_RETRY"));
  await advance("59m");
  assert.equal((await log(workflowRunId)).workflowState, "RUN_STARTED");
  await advance("1m");
  assert.equal(await result(workflowRunId), "done");
});

test("sleeping takes the time it takes", async () => {
  const { url } = workflow("sleepy", async (context, step) => {
    await step("before");
    await context.sleep("a day", "1d");
    await step("between");
    await context.sleepUntil("an hour more", (await context.run("now", () => context.requestPayload.until)));
    return await step("after");
  });
  const [, { now }] = await ask("_emulator/clock", { method: "GET" });
  const wakes = Math.round(now / 1000) + 25 * 3600;
  const { workflowRunId } = await client.trigger({ url, body: { until: wakes } });
  const asleep = (name) => until(name, async () => steps(await log(workflowRunId)).some(({ stepName }) => stepName === name));
  await asleep("a day");
  await advance("23h59m");
  assert.deepEqual(ran.get(workflowRunId), ["before"]);
  await advance("1m");
  await asleep("an hour more");
  assert.deepEqual(ran.get(workflowRunId), ["before", "between"]);
  await advance("1h1m");
  assert.equal(await result(workflowRunId), "after");
  const [, clock] = await ask("_emulator/clock", { method: "GET" });
  assert.ok(clock.now >= wakes * 1000);
});

test("steps that are begun together run side by side, and join", async () => {
  const { url } = workflow("fork", async (context, step) => {
    const first = await Promise.all(["a", "b", "c"].map((name) => step(name, () => `${name}!`)));
    const [slept, d] = await Promise.all([context.sleep("nap", 30), step("d")]);
    return [...first, slept ?? null, d, await step("end")];
  });
  const { workflowRunId } = await client.trigger({ url });
  await until("d", () => ran.get(workflowRunId)?.includes("d"));
  await advance("30s");
  assert.deepEqual(await result(workflowRunId), ["a!", "b!", "c!", null, "d", "end"]);
  assert.deepEqual([...ran.get(workflowRunId)].sort(), ["a", "b", "c", "d", "end"]);
  const groups = (await log(workflowRunId)).steps;
  assert.deepEqual(groups.map(({ type, steps }) => [type, steps.length]),
    [["sequential", 1], ["parallel", 3], ["parallel", 2], ["sequential", 1]]);
});

test("a third party is called without the workflow waiting, and learns nothing of it", async () => {
  let seen;
  third.set("shop", (request) => {
    seen = request;
    return Response.json({ bought: JSON.parse(request.body).item }, { status: 201, headers: { "x-shop": "open" } });
  });
  const { url } = workflow("buys", async (context, step) => {
    await step("before");
    const { status, body, header } = await context.call("buy", {
      url: `${here}/shop`, method: "PUT", body: { item: "pen" }, headers: { "x-key": "k" },
    });
    return { status, body, shop: header["X-Shop"], own: context.headers.get("x-own") };
  });
  const { workflowRunId } = await client.trigger({ url, headers: { "x-own": "mine" } });
  assert.deepEqual(await result(workflowRunId), { status: 201, body: { bought: "pen" }, shop: ["open"], own: "mine" });
  assert.deepEqual([seen.method, seen.headers["x-key"], seen.headers["x-own"]], ["PUT", "k", undefined]);
  assert.deepEqual(Object.keys(seen.headers).filter((name) => name.startsWith("upstash-workflow")), []);
  assert.deepEqual(ran.get(workflowRunId), ["before"]);
});

test("a third party that fails is a result, after its own retries", async () => {
  let calls = 0;
  third.set("down", () => new Response(`down ${++calls}`, { status: 503, headers: { "content-type": "text/plain" } }));
  const { url } = workflow("copes", async (context) => {
    const { status, body } = await context.call("try", { url: `${here}/down`, retries: 2, retryDelay: "10" });
    return { status, body };
  });
  const { workflowRunId } = await client.trigger({ url });
  assert.deepEqual(await result(workflowRunId), { status: 503, body: "down 3" });
  const { messages } = await client.dlq.list({ filter: { workflowRunId } });
  assert.deepEqual(messages, []);
});

test("an event wakes those who wait for it, and nobody else", async () => {
  const { url } = workflow("waits", async (context) => {
    const { eventData, timeout } = await context.waitForEvent("wait", context.requestPayload, { timeout: "1h" });
    return { eventData: eventData ?? null, timeout };
  });
  const [one, other] = await client.trigger([{ url, body: "paid" }, { url, body: "unpaid" }]);
  await Promise.all([one, other].map(({ workflowRunId }) => waits(workflowRunId, "wait")));
  const waiters = await client.getWaiters({ eventId: "paid" });
  assert.deepEqual(waiters.map((waiter) => waiter.url), [url]);
  const told = await client.notify({ eventId: "paid", eventData: { sum: 5 } });
  assert.equal(told.length, 1);
  assert.deepEqual(await result(one.workflowRunId), { eventData: { sum: 5 }, timeout: false });
  assert.deepEqual(await client.notify({ eventId: "paid", eventData: 1 }), []);

  await advance("1h");
  assert.deepEqual(await result(other.workflowRunId), { eventData: null, timeout: true });
  assert.deepEqual(await client.getWaiters({ eventId: "unpaid" }), []);
});

test("an event of one run is kept for it until it waits", async () => {
  const { url } = workflow("late", async (context) => {
    await context.sleep("first", "1m");
    return (await context.waitForEvent("wait", "early")).eventData;
  });
  const { workflowRunId } = await client.trigger({ url });
  await until("sleep", async () => steps(await log(workflowRunId)).some(({ stepName }) => stepName === "first"));
  assert.deepEqual(await client.notify({ eventId: "early", eventData: "kept", workflowRunId }), []);
  await advance("1m");
  assert.equal(await result(workflowRunId), "kept");
  await assert.rejects(client.notify({ eventId: "early", eventData: 1, workflowRunId }), /has ended/);
});

test("one run wakes another", async () => {
  const sleeper = workflow("sleeper", async (context) => (await context.waitForEvent("wait", "alarm")).eventData);
  const waker = workflow("waker", async (context) => {
    const { notifyResponse } = await context.notify("ring", "alarm", { at: 7 });
    return notifyResponse.length;
  });
  const sleeping = await client.trigger(sleeper);
  await waits(sleeping.workflowRunId, "wait");
  assert.equal(await result((await client.trigger(waker)).workflowRunId), 1);
  assert.deepEqual(await result(sleeping.workflowRunId), { at: 7 });
});

test("a stranger with the address of a webhook wakes the run that made it", async () => {
  let address;
  const { url } = workflow("hooked", async (context) => {
    const hook = await context.createWebhook("make");
    await context.run("tell", () => { address = hook.webhookUrl; });
    const seen = [];
    for (const round of [1, 2]) {
      const { request } = await context.waitForWebhook(`wait ${round}`, hook, "1h");
      seen.push(await context.run(`read ${round}`, async () =>
        [request.method, new URL(request.url).search, request.headers.get("x-from"), await request.text()]));
    }
    return seen;
  });
  const { workflowRunId } = await client.trigger({ url });
  await until("the address", () => address);
  // Both at once: what comes before it is waited for is kept.
  await fetch(`${address}?q=1`, { method: "POST", body: "ding", headers: { "x-from": "bell" } });
  await fetch(address, { headers: { "x-from": "door" } });
  assert.deepEqual(await result(workflowRunId), [["POST", "?q=1", "bell", "ding"], ["GET", "", "door", ""]]);
  assert.equal((await fetch(address)).status, 400);
  assert.equal((await fetch(address.replace("defaultUser", "nobody"))).status, 404);
});

test("a workflow invokes another, and hears how it went", async () => {
  const child = async (context, step) => {
    const { n } = context.requestPayload;
    if (n === 0) await context.cancel();
    return await step("double", () => {
      if (n < 0) throw new WorkflowNonRetryableError("negative");
      return n * 2;
    });
  };
  workflow("child", child);
  const { url } = workflow("parent", async (context) => {
    const all = [];
    for (const n of [4, -1, 0]) {
      const workflow = { routeFunction: child, workflowId: "child", options: {} };
      const { body, isFailed, isCanceled } = await context.invoke(`with ${n}`, { workflow, body: { n } });
      all.push([body ?? null, isFailed ?? false, isCanceled ?? false]);
    }
    return all;
  });
  // A child that cancels before any step: the SDK takes that for a failed authorization, so it takes one first.
  workflow("child", async (context, step) => {
    await step("begin");
    return await child(context, step);
  });
  const { workflowRunId } = await client.trigger({ url });
  assert.deepEqual(await result(workflowRunId), [[8, false, false], [null, true, false], [null, false, true]]);
  const { runs } = await client.logs({ filter: { workflowUrl: `${here}/child` } });
  assert.deepEqual(runs.map(({ workflowState }) => workflowState), ["RUN_CANCELED", "RUN_FAILED", "RUN_SUCCESS"]);
  assert.equal(runs[0].invoker.workflowRunId, workflowRunId);
});

test("a run that is cancelled goes no further", async () => {
  const { url } = workflow("endless", async (context, step) => {
    await step("begin");
    await context.sleep("long", "2d");
    await step("never");
  });
  const runs = await client.trigger([1, 2, 3, 4].map((n) => ({ url, label: n < 4 ? "batch" : "odd" })));
  const ids = runs.map(({ workflowRunId }) => workflowRunId);
  for (const id of ids) {
    await until("sleep", async () => steps(await log(id)).some(({ stepName }) => stepName === "long"));
  }
  assert.deepEqual(await client.cancel(ids[0]), { cancelled: 1 });
  assert.deepEqual(await client.cancel({ filter: { workflowUrl: url, label: "batch" } }), { cancelled: 2 });
  assert.deepEqual(await client.cancel({ filter: { workflowUrlStartingWith: `${here}/end` } }), { cancelled: 1 });
  assert.deepEqual(await client.cancel(ids), { cancelled: 0 });
  await advance("2d");
  for (const id of ids) {
    assert.equal((await log(id)).workflowState, "RUN_CANCELED");
    assert.deepEqual(ran.get(id), ["begin"]);
    const [status] = await ask(`workflows/runs/${id}`, { method: "GET" });
    assert.equal(status, 404);
  }
  const headers = { "Upstash-Workflow-RunId": ids[0], "Upstash-Workflow-Init": "false", "Upstash-Workflow-Url": url };
  const [status, { error }] = await ask("batch", { body: JSON.stringify([{ destination: url, headers, body: "{}" }]) });
  assert.equal(status, 400);
  assert.match(error, /has ended/);
});

test("a run that fails for good tells its failure function why", async () => {
  const told = [];
  const { url } = workflow("fails", async (_, step) => {
    await step("sure");
    await step("broken", () => { throw new Error("it broke"); });
  }, {
    failureFunction: ({ context, failStatus, failResponse }) => {
      told.push([context.workflowRunId, context.requestPayload, context.headers.get("x-own"), failStatus, failResponse]);
      return "noted";
    },
  });
  const { workflowRunId } = await client.trigger({
    url, body: { n: 1 }, retries: 1, retryDelay: "10", headers: { "x-own": "yes" }, label: "sad",
  });
  const run = await ended(workflowRunId, "RUN_FAILED");
  assert.deepEqual(ran.get(workflowRunId), ["sure", "broken", "broken"]);
  await until("the failure function", async () => (await log(workflowRunId)).failureFunction.state === "CALLBACK_SUCCESS");
  assert.deepEqual(told, [[workflowRunId, { n: 1 }, "yes", 500, "it broke"]]);
  const { messages } = await client.dlq.list({ filter: { workflowRunId, label: "sad", responseStatus: 500 } });
  assert.deepEqual(messages.map((message) => [message.dlqId, message.workflowUrl]), [[run.dlqId, url]]);
  assert.equal(messages[0].failureCallbackInfo.state, "CALLBACK_SUCCESS");
  await assert.rejects(client.dlq.retryFailureFunction({ dlqId: run.dlqId }), /has not failed/);
  const [status, { error }] = await ask(`dlq/retry?dlqIds=${run.dlqId}`);
  assert.equal(status, 400);
  assert.match(error, /resume or restart/);
  assert.equal((await client.dlq.delete(run.dlqId)).deleted, 1);
});

test("what is not to be tried again is not", async () => {
  const { url } = workflow("final", (_, step) => step("no", () => { throw new WorkflowNonRetryableError("never"); }));
  const { workflowRunId } = await client.trigger({ url });
  const { dlqId } = await ended(workflowRunId, "RUN_FAILED");
  assert.deepEqual(ran.get(workflowRunId), ["no"]);
  const { messages } = await client.dlq.list({ filter: { workflowRunId } });
  assert.deepEqual(messages.map((message) => [message.dlqId, message.responseStatus]), [[dlqId, 489]]);
  // Nor is there anybody to tell of it.
  await until("the answer", async () => (await log(workflowRunId)).failureFunction === undefined);
  await assert.rejects(client.dlq.retryFailureFunction({ dlqId }), /has no failure callback/);
});

test("a failed run is resumed where it failed, or begun anew", async () => {
  let broken = true;
  const { url } = workflow("mended", async (context, step) => {
    const [a] = await Promise.all([step("a", () => context.requestPayload), step("b", () => {
      if (broken) throw new WorkflowNonRetryableError("broken");
      return "b";
    }), context.waitForEvent("c", "c-event", { timeout: "1h" })]);
    return a;
  });
  const fail = async () => {
    broken = true;
    const { workflowRunId } = await client.trigger({ url, body: "load", retries: 0 });
    const { dlqId } = await ended(workflowRunId, "RUN_FAILED");
    broken = false;
    return dlqId;
  };
  const finish = async (id) => {
    await until("a waiter", async () => (await client.getWaiters({ eventId: "c-event" })).length === 1);
    await client.notify({ eventId: "c-event", eventData: 1 });
    assert.equal(await result(id), "load");
    return [...ran.get(id)].sort();
  };
  const resumed = await client.dlq.resume(await fail());
  // What `a` had done by then is not done again.
  const again = await finish(resumed.workflowRuns[0].workflowRunId);
  assert.ok(again.includes("b") && again.length <= 2, again);
  const restarted = await client.dlq.restart({ dlqId: await fail(), retries: 1 });
  assert.deepEqual(await finish(restarted.workflowRunId), ["a", "b"]);
  assert.deepEqual((await client.dlq.list({ filter: { workflowUrl: url } })).messages, []);
  await assert.rejects(client.dlq.resume("dlq_none"), /not found/);
});

test("a failure function that failed can be called again", async () => {
  let calls = 0;
  const { url } = workflow("tells", (_, step) => step("no", () => { throw new WorkflowNonRetryableError("no"); }), {
    failureFunction: () => {
      if (++calls === 1) throw new Error("cannot tell");
    },
  });
  const { workflowRunId } = await client.trigger({ url, retries: 0 });
  const state = (wanted) => until(wanted, async () => (await log(workflowRunId)).failureFunction?.state === wanted);
  await state("CALLBACK_FAIL");
  const { messages } = await client.dlq.list({ filter: { workflowRunId, failureFunctionState: "CALLBACK_FAIL" } });
  const again = await client.dlq.retryFailureFunction({ dlqId: messages[0].dlqId });
  assert.equal(again.workflowRunId, workflowRunId);
  await state("CALLBACK_SUCCESS");
  assert.equal(calls, 2);
});

test("steps that are too large to be sent are fetched", async () => {
  const large = "x".repeat(400_000);
  const { url } = workflow("large", async (_, step) => {
    const parts = [];
    for (const n of [1, 2, 3]) parts.push(await step(`part ${n}`, () => large));
    return parts.join("").length;
  });
  const { workflowRunId } = await client.trigger({ url, body: large });
  assert.equal(await result(workflowRunId), 1_200_000);
});

test("more than the plan allows fails the run, and does not hang it", async () => {
  const { url } = workflow("greedy", async (context) => {
    await context.sleep("too long", "8d");
  });
  const { workflowRunId } = await client.trigger({ url });
  await ended(workflowRunId, "RUN_FAILED");
});

test("runs go on after the process is killed, and what was done is not done again", async () => {
  const { url } = workflow("survives", async (context, step) => {
    await step("first");
    const [event] = await Promise.all([
      context.waitForEvent("wait", `event ${context.workflowRunId}`, { timeout: "1h" }),
      context.sleep("nap", "10m"),
      step("beside"),
    ]);
    await step("last");
    return event.eventData;
  });
  const ids = (await client.trigger([...Array(5).keys()].map(() => ({ url })))).map(({ workflowRunId }) => workflowRunId);
  // One whose step is under way when the process dies, and one that is to begin later.
  let inside;
  const held = new Promise((release) => { inside = release; });
  let entered;
  const busy = new Promise((enter) => { entered = enter; });
  workflow("busy", async (_, step) => {
    await step("done before");
    return await step("interrupted", async () => {
      entered();
      await held;
      return "through";
    });
  });
  const interrupted = await client.trigger({ url: `${here}/busy` });
  const delayed = await client.trigger({ url: workflow("delayed", (_, step) => step("begun")).url, delay: "5m" });
  for (const id of ids) {
    await waits(id, "wait");
    await until("beside", async () => ran.get(id)?.includes("beside"));
  }
  await busy;
  await emulator.kill();
  inside();
  await emulator.restart();

  assert.equal(await result(interrupted.workflowRunId), "through");
  assert.equal(ran.get(interrupted.workflowRunId).filter((name) => name === "done before").length, 1);
  for (const id of ids) await client.notify({ eventId: `event ${id}`, eventData: id });
  await advance("10m");
  for (const id of ids) {
    assert.equal(await result(id), id);
    assert.deepEqual([...ran.get(id)].sort(), ["beside", "first", "last"]);
  }
  assert.equal(await result(delayed.workflowRunId), "begun");
  // What had ended before is still known.
  assert.equal((await log("wfr_the-one")).workflowState, "RUN_SUCCESS");
});

test("runs come to their results although the queue is at its worst", async () => {
  third.set("fair", () => Response.json("fair"));
  const child = (context) => context.run("answer", () => context.requestPayload * 2);
  workflow("worst-child", child);
  const { url } = workflow("worst", async (context, step) => {
    const a = await step("a", () => 1);
    const both = await Promise.all([step("b", () => a + 1), step("c", () => a + 2)]);
    const { body } = await context.call("call", { url: `${here}/fair` });
    const { eventData } = await context.waitForEvent("wait", "worst", { timeout: "1h" });
    const invoked = await context.invoke("invoke", {
      workflow: { routeFunction: child, workflowId: "worst-child", options: {} }, body: eventData,
    });
    return [...both, body, invoked.body];
  });
  const faults = (given) => ask("_emulator/faults", { body: JSON.stringify(given) });
  await faults({ duplicate: 0.5, drop_ack: 0.5, reorder: 20 });
  const runs = await client.trigger([...Array(4).keys()].map(() => ({ url })));
  for (const { workflowRunId } of runs) {
    await waits(workflowRunId, "wait");
    await client.notify({ eventId: "worst", eventData: 21, workflowRunId });
  }
  for (const { workflowRunId } of runs) assert.deepEqual(await result(workflowRunId), [2, 3, "fair", 42]);
  await faults({ duplicate: 0, drop_ack: 0, reorder: 0 });
  assert.deepEqual(await client.getWaiters({ eventId: "worst" }), []);
});

test("where time is skipped a month's sleep takes no time", async () => {
  const skipping = await emulate("qstash", { args: ["--skip-time"] });
  try {
    const { env } = skipping;
    workflow("month", async (context) => {
      for (const week of [1, 2, 3, 4]) await context.sleep(`week ${week}`, "7d");
      return context.requestPayload;
    }, { env });
    const impatient = new Client({ baseUrl: env.QSTASH_URL, token: env.QSTASH_TOKEN });
    const { workflowRunId } = await impatient.trigger({ url: `${here}/month`, body: "slept" });
    const run = await until("the end", async () =>
      (await impatient.logs({ filter: { workflowRunId, state: "RUN_SUCCESS" } })).runs[0]);
    assert.equal(run.workflowRunResponse, '"slept"');
    assert.ok(run.workflowRunCompletedAt - run.workflowRunCreatedAt >= 28 * 86_400_000);
  } finally {
    await skipping.stop();
  }
});

test("bad input is refused, and runs go on", async () => {
  const { url } = workflow("calm", async (context, step) => {
    await context.waitForEvent("wait", "go");
    return await step("went");
  });
  const { workflowRunId } = await client.trigger({ url });
  await waits(workflowRunId, "wait");
  const stranger = new Client({ baseUrl: emulator.env.QSTASH_URL, token: "wrong" });
  await assert.rejects(stranger.trigger({ url }), /unauthorized/);
  await assert.rejects(stranger.notify({ eventId: "go" }), /unauthorized/);
  const about = { "Upstash-Workflow-RunId": workflowRunId, "Upstash-Workflow-Url": url };
  const run = { ...about, "Upstash-Workflow-Init": "false" };
  const unknown = { ...run, "Upstash-Workflow-RunId": "wfr_none" };
  const wait = { url, timeout: "1h", step: { stepId: 9, stepName: "x", stepType: "Wait", concurrent: 1 } };
  const batch = (headers) => ({ body: JSON.stringify([{ destination: url, headers, body: "{}" }]) });
  for (const [path, init, expected] of [
    ["batch", batch(unknown), 400],
    [`publish/${url}`, { headers: unknown, body: "{}" }, 400],
    [`enqueue/line/${url}`, { headers: run, body: "{}" }, 400],
    ["publish/some-group", { headers: run, body: "{}" }, 400],
    [`publish/${url}`, { headers: { ...run, "Upstash-Delay": "soon" }, body: "{}" }, 400],
    [`publish/${url}`, { headers: { ...run, "Upstash-Delay": "8d" }, body: "{}" }, 412],
    [`publish/${url}`, { headers: { ...run, "Upstash-Workflow-CallType": "toCallback" }, body: "{}" }, 400],
    [`publish/${url}`, { headers: { ...about, "Upstash-Workflow-Init": "true", "Upstash-Workflow-RunId": "a b" } }, 400],
    [`publish/${url}`, { headers: { ...about, "Upstash-Workflow-Init": "true", "Upstash-Workflow-Invoke": "true", "Upstash-Workflow-RunId": "wfr_child" }, body: "[]" }, 400],
    ["wait/go", { headers: run, body: "{" }, 400],
    ["wait/go", { headers: run, body: "{}" }, 400],
    ["wait/go", { headers: run, body: JSON.stringify({ ...wait, timeout: "soon" }) }, 400],
    ["wait/go", { headers: run, body: JSON.stringify({ ...wait, timeout: "8d" }) }, 412],
    ["wait/go", { headers: run, body: JSON.stringify({ ...wait, step: 1 }) }, 400],
    ["wait/go", { headers: run, body: JSON.stringify({ ...wait, timeoutHeaders: { "Upstash-Retries": ["many"] } }) }, 400],
    ["wait/go", { headers: unknown, body: JSON.stringify(wait) }, 400],
    ["wait/go", { body: JSON.stringify(wait) }, 400],
    ["notify/wfr_none/go", { body: "x" }, 400],
    [`notify/${"e".repeat(300)}`, { body: "x" }, 400],
    ["notify/go", { body: "x".repeat(2 << 20) }, 413],
    ["workflows/runs/wfr_none", { method: "GET" }, 404],
    ["workflows/runs/wfr_none?cancel=true", { method: "DELETE" }, 404],
    ["workflows/runs?url=x", { method: "DELETE" }, 400],
    ["workflows/events", { method: "GET" }, 400],
    ["workflows/logs?state=STEP_FAILED", { method: "GET" }, 400],
    ["workflows/logs?cursor=x", { method: "GET" }, 400],
    ["workflows/dlq?host=x", { method: "DELETE" }, 400],
    ["workflows/dlq/dlq_none", { method: "GET" }, 404],
    ["workflows/dlq/restart/dlq_none", {}, 404],
    ["workflows/dlq/callback/dlq_none", {}, 404],
    [`trigger/${url}`, { body: "{}" }, 404],
  ]) {
    const [status, { error }] = await ask(path, init);
    assert.equal(status, expected, `${path} ${JSON.stringify(init).slice(0, 200)} ${error}`);
    assert.ok(error);
  }
  await client.notify({ eventId: "go" });
  assert.equal(await result(workflowRunId), "went");
});

// What every script here measures, and what it may cost. A script chooses the load; nothing else.
// What users ask for in smoke.js stands here; in the others it is mix.js.
//
// An iteration is one user who asks three things, one after the other:
//   intent  POST /api/intent: until the whole answer is there.
//   chat    POST /api/chat, as JSON: until the saga is durable and its id is there. Afterwards, and
//           outside of this figure, the saga is followed until it is completed.
//   step    POST /api/execute with a plan of one effect: until it is seen completed. So this is the
//           start, the queue's delivery, the whole invocation, and up to 25 ms of looking again:
//           never less than what the step took.
// `wrong` counts each of the three once: a status other than the expected one, a body that does not
// say what it should, a saga that ends other than completed, or that does not end in time.

import http from 'k6/http';
import { sleep } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';

export const BASE = loopback(__ENV.BASE_URL);
const TOKENS = (__ENV.TOKENS || '').split(',').filter((token) => token !== '');
if (TOKENS.length === 0) throw new Error('TOKENS is empty. Start the scripts with: bash k6/run <script>');

/// How long a saga may take before it counts as one that does not end.
const LONGEST_MS = 15_000;

const intent = new Trend('intent_ms', true);
const chat = new Trend('chat_ms', true);
const step = new Trend('step_ms', true);
const wrong = new Rate('wrong');
// A budget that nothing was measured against is a broken budget.
const right = { intent: new Counter('intents'), chat: new Counter('chats'), step: new Counter('steps') };

export function budgets(scenario) {
  return {
    scenarios: { [scenario.name]: { gracefulStop: '20s', ...scenario.load } },
    thresholds: {
      intent_ms: ['p(95)<800'],
      step_ms: ['p(95)<2000'],
      chat_ms: ['p(95)<1500'],
      wrong: ['rate<0.01'],
      intents: ['count>0'],
      chats: ['count>0'],
      steps: ['count>0'],
      // A load that was not put on says nothing about what it would have cost.
      dropped_iterations: ['count<1'],
    },
    summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
  };
}

/// Refuses to begin where the platform is not well, and sets the fault that was asked for.
export function setup() {
  const health = http.get(`${BASE}/api/debug/health`, { timeout: '10s' });
  if (health.status !== 200) throw new Error(`${BASE}/api/debug/health answers ${health.status}: ${health.body}`);
  if (__ENV.FAULT) {
    const set = http.post(`${BASE}/demo/faults`, __ENV.FAULT);
    if (set.status !== 201) throw new Error(`The fault was not set: ${set.body}`);
  }
}

/// One iteration.
export default function () {
  askWhatItWouldDo();
  sayIt((saga) => completed(saga) !== null);
  runOneStep();
}

const WISH = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";

export function askWhatItWouldDo() {
  const answer = post('/api/intent', { message: WISH });
  intent.add(answer.timings.duration);
  const body = json(answer, 200);
  const tools = ((body && body.steps) || []).map((step) => step.tool).join(' ');
  settle('intent', answer, body && body.kind === 'plan' && tools === 'book_restaurant_table request_ride send_message');
}

/// Has a saga started, and answers with its id. `ends` says whether it came to a good end.
export function sayIt(ends) {
  // Money and messages never run out, as tables and drivers do.
  const answer = post('/api/chat', { message: 'Pay Anna 1 dollar and tell her that it is for the coffee' });
  chat.add(answer.timings.duration);
  const body = json(answer, 202);
  const steps = ((body && body.reading && body.reading.steps) || []).length;
  const started = body && body.created === true && steps === 3;
  settle('chat', answer, started && ends(body.saga));
  return started ? body.saga : null;
}

function runOneStep() {
  const n = __ITER;
  const began = Date.now();
  const answer = post('/api/execute', { plan: { summary: 'One step', steps: [{ id: 's', tool: 'bench_effect', params: { n } }] } });
  const body = json(answer, 202);
  const saga = body && body.created === true ? completed(body.saga) : null;
  step.add(Date.now() - began);
  const only = saga && saga.steps.length === 1 ? saga.steps[0] : null;
  settle('step', answer, only && only.standing === 'done' && only.output.n === n);
}

/// Follows a saga until it is completed; null where it ends otherwise, or not in time.
export function completed(saga) {
  const until = Date.now() + LONGEST_MS;
  let wait = 0.005;
  while (Date.now() < until) {
    const body = json(http.get(`${BASE}/api/execute/${saga}`, { headers: headers(), timeout: '10s', tags: { name: 'follow' } }), 200);
    if (body === null || body.saga !== saga) return null;
    if (body.phase === 'completed') return body;
    if (body.phase !== 'forward') return null;
    sleep(wait);
    wait = Math.min(wait * 2, 0.025);
  }
  return null;
}

export function settle(what, answer, good) {
  wrong.add(!good);
  if (good && right[what]) right[what].add(1);
  if (!good) console.error(`${what}: ${answer.status} ${String(answer.body).slice(0, 400)}`);
}

/// The body, where the status is the expected one and the body is JSON; null otherwise.
export function json(answer, status) {
  if (answer.status !== status) return null;
  try {
    return answer.json();
  } catch (_) {
    return null;
  }
}

function post(path, body) {
  return http.post(`${BASE}${path}`, JSON.stringify(body), { headers: headers(), timeout: '10s' });
}

/// Every virtual user is a user of its own, as far as there are tokens.
export function headers() {
  return { 'content-type': 'application/json', authorization: `Bearer ${TOKENS[(__VU - 1) % TOKENS.length]}` };
}

/// Load is for one's own machine. Whoever wants it elsewhere changes this line, and means it.
function loopback(url) {
  if (!/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(url || '')) {
    throw new Error(`BASE_URL is ${url}: it must be http://127.0.0.1:<port>, and nothing else is put under load.`);
  }
  return url;
}

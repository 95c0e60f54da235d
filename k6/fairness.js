// One who comes a hundred times as often as they should must not be felt by anybody else:
//
//   bash k6/run fairness
//
// Ten users ask nine times in ten seconds each, all from one loop, which is within their limit. In every second
// window of ten seconds one more user asks a hundred times as often as one of them. What the ten wait is compared between
// the windows, which lie side by side in time, so that whatever else this machine does falls into both.
//
// `moved` is p95 beside the abuser over p95 alone. WINDOWS changes how many pairs there are, ABUSE the abuser's
// requests a second.

import http from 'k6/http';
import { sleep } from 'k6';
import { Counter, Gauge, Rate } from 'k6/metrics';

import { BASE } from './budgets.js';

const TOKENS = __ENV.TOKENS.split(',').filter((token) => token !== '');
const OTHERS = TOKENS.slice(1, 11);
const WINDOW_MS = 10_000;
const PAIRS = Number(__ENV.WINDOWS || 4);
const ABUSE = Number(__ENV.ABUSE || 90);
const SPAN_MS = 2 * PAIRS * WINDOW_MS;
/// After a window begins: what the last one left under way.
const GUARD_MS = 500;
const BETWEEN_MS = WINDOW_MS / (9 * OTHERS.length);

const p95Alone = new Gauge('p95_alone_ms');
const p95Beside = new Gauge('p95_beside_ms');
const moved = new Gauge('moved');
const wrong = new Rate('wrong');
const admitted = new Counter('abuser_admitted');
const refused = new Counter('abuser_refused');

const seconds = (ms) => `${Math.ceil(ms / 1000)}s`;
export const options = {
  scenarios: {
    others: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: seconds(SPAN_MS + 30_000), exec: 'others' },
    abuser: {
      executor: 'constant-arrival-rate',
      rate: ABUSE,
      timeUnit: '1s',
      duration: seconds(SPAN_MS),
      preAllocatedVUs: 50,
      maxVUs: 300,
      exec: 'abuser',
    },
  },
  thresholds: {
    moved: ['value<=1.1'],
    wrong: ['rate==0'],
    // What a limit of 60 a minute and 10 at once lets in, at twice its rate at the most.
    abuser_admitted: [`count<=${(SPAN_MS / 2 / 1000) * 2 + 20 * PAIRS}`],
    abuser_refused: ['count>0'],
    dropped_iterations: ['count<1'],
  },
};

export function setup() {
  // Warm: every instance compiled, every pool filled.
  for (const token of OTHERS) ask(token);
  sleep(2);
  return { began: Date.now() };
}

function ask(token) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const body = JSON.stringify({ message: "Book a table for 4 at Luigi's tomorrow at 7pm" });
  return http.post(`${BASE}/api/intent`, body, { headers, timeout: '10s' });
}

/// Whether the abuser is at it.
const abused = (since) => Math.floor(since / WINDOW_MS) % 2 === 1;

export function others({ began }) {
  const took = { alone: [], beside: [] };
  for (let n = 0; Date.now() - began < SPAN_MS; n += 1) {
    const since = Date.now() - began;
    const answer = ask(OTHERS[n % OTHERS.length]);
    wrong.add(answer.status !== 200);
    if (answer.status !== 200) console.error(`${answer.status} ${answer.body}`);
    if (since % WINDOW_MS >= GUARD_MS) took[abused(since) ? 'beside' : 'alone'].push(answer.timings.duration);
    sleep(Math.max(0, began + (n + 1) * BETWEEN_MS - Date.now()) / 1000);
  }
  const [alone, beside] = [p95(took.alone), p95(took.beside)];
  p95Alone.add(alone);
  p95Beside.add(beside);
  moved.add(beside / alone);
  console.log(
    `p95 alone ${alone.toFixed(2)} ms (${took.alone.length} requests), beside the abuser ${beside.toFixed(2)} ms ` +
      `(${took.beside.length}): x ${(beside / alone).toFixed(3)}`,
  );
}

export function abuser({ began }) {
  if (!abused(Date.now() - began)) return;
  const answer = ask(TOKENS[0]);
  (answer.status === 200 ? admitted : refused).add(1);
  wrong.add(answer.status !== 200 && answer.status !== 429);
}

function p95(values) {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1];
}

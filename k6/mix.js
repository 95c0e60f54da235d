// Users as they come: of a hundred things that they ask, 80 are said in chat, 15 are looked at first, and 5 ask how
// something stands that was begun. Between two of them a user thinks, for two seconds on average (THINK_S).
//
// A script chooses how many users there are, and for how long. The budgets are those of budgets.js, and one more:
//   status  GET /api/execute/{saga} of the user's last saga: until the whole answer is there.
// Every third thing said in chat is followed until its saga is completed; that is in no figure but `wrong`.

import { sleep } from 'k6';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import {
  BASE, askWhatItWouldDo, budgets, completed, headers, json, sayIt, settle,
} from './budgets.js';

export { setup } from './budgets.js';

const THINK_S = Number(__ENV.THINK_S || 2);

const status = new Trend('status_ms', true);
const statuses = new Counter('statuses');

export function options(scenario) {
  const all = budgets(scenario);
  delete all.thresholds.step_ms;
  delete all.thresholds.steps;
  all.thresholds.status_ms = ['p(95)<800'];
  all.thresholds.statuses = ['count>0'];
  return all;
}

// Of this virtual user.
let last = null;
let said = 0;

/// One thing that a user asks, and the pause after it.
export default function () {
  const dice = Math.random() * 100;
  if (dice < 15) {
    askWhatItWouldDo();
  } else if (dice < 20 && last !== null) {
    howDoesItStand();
  } else {
    said += 1;
    last = sayIt((saga) => said % 3 !== 0 || completed(saga) !== null) || last;
  }
  // Between half and one and a half of it, so that they do not all come at once.
  sleep(THINK_S * (0.5 + Math.random()));
}

function howDoesItStand() {
  const answer = http.get(`${BASE}/api/execute/${last}`, { headers: headers(), timeout: '10s', tags: { name: 'status' } });
  status.add(answer.timings.duration);
  const body = json(answer, 200);
  const good = body !== null && body.saga === last && ['forward', 'completed'].includes(body.phase) && body.steps.length === 3;
  if (good) statuses.add(1);
  settle('status', answer, good);
}

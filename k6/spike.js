// Quiet, then eight times as many users from one second to the next, then quiet again.
import { options as budgeted } from './budgets.js';
export { default, setup } from './budgets.js';

const RATE = Number(__ENV.RATE || 20);
const QUIET = Math.ceil(RATE / 8);

export const options = budgeted({
  name: 'spike',
  load: {
    executor: 'ramping-arrival-rate',
    startRate: QUIET,
    timeUnit: '1s',
    preAllocatedVUs: RATE * 2,
    maxVUs: RATE * 20,
    stages: [
      { target: QUIET, duration: '15s' },
      { target: RATE, duration: '1s' },
      { target: RATE, duration: '15s' },
      { target: QUIET, duration: '1s' },
      { target: QUIET, duration: '20s' },
    ],
  },
});

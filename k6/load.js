// An ordinary busy hour, in small: users arrive at a constant rate, whether or not the last are done.
import { options as budgeted } from './budgets.js';
export { default, setup } from './budgets.js';

const RATE = Number(__ENV.RATE || 10);

export const options = budgeted({
  name: 'load',
  load: {
    executor: 'constant-arrival-rate',
    rate: RATE,
    timeUnit: '1s',
    duration: __ENV.DURATION || '60s',
    preAllocatedVUs: RATE * 2,
    maxVUs: RATE * 20,
  },
});

// More and more users, up to RATE a second. The budgets stay as they are: the first RATE that fails
// is the limit of this machine.
import { options as budgeted } from './budgets.js';
export { default, setup } from './budgets.js';

const RATE = Number(__ENV.RATE || 20);

export const options = budgeted({
  name: 'stress',
  load: {
    executor: 'ramping-arrival-rate',
    startRate: Math.ceil(RATE / 8),
    timeUnit: '1s',
    preAllocatedVUs: RATE * 2,
    maxVUs: RATE * 20,
    stages: [
      { target: Math.ceil(RATE / 2), duration: '30s' },
      { target: RATE, duration: '30s' },
      { target: RATE, duration: '30s' },
    ],
  },
});

// The same few users for a long time: what leaks, grows or slows down shows here and nowhere else.
import { options as budgeted } from './budgets.js';
export { default, setup } from './budgets.js';

const RATE = Number(__ENV.RATE || 5);

export const options = budgeted({
  name: 'soak',
  load: {
    executor: 'constant-arrival-rate',
    rate: RATE,
    timeUnit: '1s',
    duration: __ENV.DURATION || '15m',
    preAllocatedVUs: RATE * 4,
    maxVUs: RATE * 20,
  },
});

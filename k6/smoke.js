// Does it work at all, and within budget, with hardly anybody there? Runs in CI.
import { budgets } from './budgets.js';
export { default, setup } from './budgets.js';

export const options = budgets({
  name: 'smoke',
  load: { executor: 'constant-vus', vus: 2, duration: __ENV.DURATION || '10s' },
});

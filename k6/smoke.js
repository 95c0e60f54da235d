// Does it work at all, and within budget, with hardly anybody there? Runs in CI.
import { options as budgeted } from './budgets.js';
export { default, setup } from './budgets.js';

export const options = budgeted({
  name: 'smoke',
  load: { executor: 'constant-vus', vus: 2, duration: __ENV.DURATION || '10s' },
});

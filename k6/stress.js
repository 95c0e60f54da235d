// More and more users, up to 200 (USERS). The budgets stay as they are: the first USERS that fails is the limit of
// this machine.
import { options as mixed } from './mix.js';
export { default, setup } from './mix.js';

const USERS = Number(__ENV.USERS || 200);

export const options = mixed({
  name: 'stress',
  load: {
    executor: 'ramping-vus',
    startVUs: Math.ceil(USERS / 8),
    stages: [
      { target: Math.ceil(USERS / 2), duration: '30s' },
      { target: USERS, duration: '30s' },
      { target: USERS, duration: '30s' },
    ],
    gracefulRampDown: '20s',
  },
});

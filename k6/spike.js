// Quiet, then eight times as many users from one second to the next, then quiet again.
import { options as mixed } from './mix.js';
export { default, setup } from './mix.js';

const USERS = Number(__ENV.USERS || 100);
const QUIET = Math.ceil(USERS / 8);

export const options = mixed({
  name: 'spike',
  load: {
    executor: 'ramping-vus',
    startVUs: QUIET,
    stages: [
      { target: QUIET, duration: '15s' },
      { target: USERS, duration: '1s' },
      { target: USERS, duration: '15s' },
      { target: QUIET, duration: '1s' },
      { target: QUIET, duration: '20s' },
    ],
    gracefulRampDown: '20s',
  },
});

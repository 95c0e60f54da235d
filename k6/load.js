// An ordinary busy hour, in small: 50 users (USERS).
import { options as mixed } from './mix.js';
export { default, setup } from './mix.js';

const USERS = Number(__ENV.USERS || 50);

export const options = mixed({
  name: 'load',
  load: { executor: 'constant-vus', vus: USERS, duration: __ENV.DURATION || '60s' },
});

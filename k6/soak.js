// The same few users (USERS) for a long time: what leaks, grows or slows down shows here and nowhere else.
import { options as mixed } from './mix.js';
export { default, setup } from './mix.js';

const USERS = Number(__ENV.USERS || 10);

export const options = mixed({
  name: 'soak',
  load: { executor: 'constant-vus', vus: USERS, duration: __ENV.DURATION || '15m' },
});

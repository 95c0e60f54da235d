// What the platform calls. A panic traps, and the next call through index.js finds a new instance.
import * as glue from "./index.js";

// Only the function that has something to do by the clock exports this.
const { fetch, scheduled } = glue;

export default {
  fetch: (request, env, context) => fetch(request, env, context),
  ...(scheduled && { scheduled: (event, env, context) => scheduled(event, env, context) }),
};

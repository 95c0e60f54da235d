// What the platform calls. A panic traps, and the next call through index.js finds a new instance.
import { fetch } from "./index.js";

export default { fetch: (request, env, context) => fetch(request, env, context) };

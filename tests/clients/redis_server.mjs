// The Redis emulator over each of its back ends, for the tests that hold both to the same.
import { Redis } from "@upstash/redis";
import { emulate } from "./emulator.mjs";
import { backEnd } from "./servers.mjs";

/** The emulator over a back end, the official client of it, and `stop()` for all of it. */
export async function open(name) {
  const server = await backEnd("redis", name);
  const emulator = await emulate("redis", { env: server.env }).catch(async (error) => {
    await server.stop();
    throw error;
  });
  const redis = new Redis({ url: emulator.env.UPSTASH_REDIS_REST_URL, token: emulator.env.UPSTASH_REDIS_REST_TOKEN });
  const stop = async () => {
    await emulator.stop();
    await server.stop();
  };
  return { emulator, redis, stop };
}

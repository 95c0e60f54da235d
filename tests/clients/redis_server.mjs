// The emulator over each of its back ends, for the tests that hold both to the same; a real `redis-server` is
// started on a free port.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "@upstash/redis";
import { emulate } from "./emulator.mjs";

const there = spawnSync("redis-server", ["--version"]).status === 0;

/** The names under which the emulator is tried: itself, and in front of a real server where there is one. */
export const backEnds = there ? ["embedded", "real"] : ["embedded"];

/** What `emulate` needs for a back end, and `stop()`. */
async function backEnd(name) {
  if (name === "embedded") return { env: {}, stop: async () => {} };
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  const folder = await mkdtemp(join(tmpdir(), "makegood-redis-server-"));
  const options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn("redis-server", options, { stdio: "ignore" });
  const ended = once(child, "exit");
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries > 200) throw new Error(`redis-server does not listen on ${port}`);
    await wait(25);
  }
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { env: { REDIS_URL: `redis://127.0.0.1:${port}` }, stop };
}

/** The emulator over a back end, the official client of it, and `stop()` for all of it. */
export async function open(name) {
  const server = await backEnd(name);
  const emulator = await emulate("redis", { env: server.env });
  const redis = new Redis({ url: emulator.env.UPSTASH_REDIS_REST_URL, token: emulator.env.UPSTASH_REDIS_REST_TOKEN });
  const stop = async () => {
    await emulator.stop();
    await server.stop();
  };
  return { emulator, redis, stop };
}

const answers = (port) =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), done(true)));
    socket.once("error", () => done(false));
  });

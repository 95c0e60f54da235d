// Starts an emulator of its own for a test, on a free port and in a folder that goes with it.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/**
 * `service` as `makegood emulate` has it. Gives what it prints as variables in `env`, and `stop()`;
 * `kill()` ends it as a power cut would, and `restart()` brings it up again on the same data and port.
 */
export async function emulate(service, { args = [], env = {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), `makegood-${service}-`));
  let port = "0";
  let child;
  const emulator = { env: {}, folder };

  async function start() {
    child = spawn(process.env.MAKEGOOD, ["emulate", service, "--port", port, "--data-dir", folder, ...args], {
      // Nothing of the caller's own settings.
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let told = "";
    let complete = false;
    child.stderr.on("data", (data) => (told += data));
    for await (const line of createInterface({ input: child.stdout })) {
      const [, name, value] = line.match(/^(\w+)=(.*)$/) ?? [];
      if (!name) {
        complete = line === "";
        break;
      }
      emulator.env[name] = value;
      const url = value.match(/^http:\/\/[^:/]+:(\d+)/);
      if (url) port = url[1];
    }
    if (!complete) {
      throw new Error(`makegood emulate ${service} did not start: ${told}`);
    }
  }

  const ended = () => new Promise((done) => (child.exitCode ?? child.signalCode) !== null ? done() : child.once("exit", done));
  emulator.kill = async () => {
    child.kill("SIGKILL");
    await ended();
  };
  emulator.restart = start;
  emulator.stop = async () => {
    child.kill("SIGTERM");
    await ended();
    await rm(folder, { recursive: true, force: true });
  };
  await start();
  return emulator;
}

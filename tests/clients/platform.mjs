// Brings the whole platform up for a test, on a free port and in a folder that goes with it.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Gives its `url`, `tools(...)`, which runs `makegood tools`, and `stop()`. */
export async function platform() {
  const folder = await mkdtemp(join(tmpdir(), "makegood-up-"));
  const data = join(folder, "data");
  const manifest = ["--manifest", process.env.MANIFEST];
  // Nothing of the caller's own settings but where things are built.
  const env = Object.fromEntries(
    ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR"].map((name) => [name, process.env[name]]),
  );
  const child = spawn(process.env.MAKEGOOD, ["up", "--port", "0", "--data-dir", data, ...manifest], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let told = "";
  child.stderr.on("data", (data) => (told += data));
  let url;
  for await (const line of createInterface({ input: child.stdout })) {
    url = line.match(/(http:\/\/\S+)\/api\/chat$/)?.[1];
    if (url) break;
  }
  if (!url) throw new Error(`makegood up did not start: ${told}`);
  child.stdout.resume();

  const tools = (...args) =>
    new Promise((done) => {
      const at = ["tools", ...args, ...manifest, "--env", join(data, "clients.env")];
      execFile(process.env.MAKEGOOD, at, { env }, (error, out, err) => done({ ok: !error, out, err }));
    });
  const stop = async () => {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const file = async (name, value) => {
    const path = join(folder, name);
    await writeFile(path, JSON.stringify(value));
    return path;
  };
  return { url, tools, file, stop };
}

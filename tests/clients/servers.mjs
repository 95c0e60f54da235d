// Real servers from this machine's packages, each on a free port and in a folder that goes with it.
import { spawn, spawnSync } from "node:child_process";
import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** The folder of PostgreSQL's programs: Debian keeps them out of the path. */
const postgresPrograms = await (async () => {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? await readdir(debian) : [];
  const folders = [...versions.map((version) => join(debian, version, "bin")), "/usr/local/pgsql/bin", "/usr/local/bin"];
  return folders.find((folder) => existsSync(join(folder, "postgres")));
})();

/** Which services can be tried: the emulator alone, and in front of a real server where there is one. */
export const backEnds = {
  redis: spawnSync("redis-server", ["--version"]).status === 0 ? ["embedded", "real"] : ["embedded"],
  postgres: postgresPrograms ? ["embedded", "real"] : ["embedded"],
};

/** What `emulate` needs for a back end, as `env`, and `stop()`. */
export async function backEnd(service, name) {
  if (name === "embedded") return { env: {}, stop: async () => {} };
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  const folder = await mkdtemp(join(tmpdir(), `makegood-${service}-server-`));
  const { command, options, as, env, isReady } = await { redis, postgres }[service](folder, String(port));
  const child = spawn(command, options, { stdio: "ignore", cwd: "/", ...as });
  const ended = once(child, "exit");
  const stop = async () => {
    // Of PostgreSQL, the fast shutdown.
    child.kill("SIGINT");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !(await isReady()); tries++) {
    if (tries > 1200) {
      await stop();
      throw new Error(`${command} does not answer on ${port}`);
    }
    await wait(50);
  }
  return { env, stop };
}

async function redis(folder, port) {
  const options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const env = { REDIS_URL: `redis://127.0.0.1:${port}` };
  return { command: "redis-server", options, as: {}, env, isReady: () => answers(port) };
}

/** PostgreSQL refuses to run as root, so root runs it as the package's user. */
async function postgres(folder, port) {
  const id = (flag) => Number(spawnSync("id", [flag, "postgres"]).stdout);
  const as = process.getuid() === 0 ? { uid: id("-u"), gid: id("-g") } : {};
  if (as.uid) await chown(folder, as.uid, as.gid);
  const data = join(folder, "data");
  const made = spawnSync(
    join(postgresPrograms, "initdb"),
    ["-U", "makegood", "-A", "trust", "-E", "UTF8", "--locale=C", "-D", data],
    { cwd: "/", ...as },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const options = ["-c", "listen_addresses=127.0.0.1", "-p", port, "-k", folder, "-D", data];
  const env = { DATABASE_URL: `postgres://makegood:any@127.0.0.1:${port}/postgres` };
  // One that listens may still be starting, and refuses everybody until then.
  const ready = join(postgresPrograms, "pg_isready");
  const isReady = async () => spawnSync(ready, ["-q", "-h", "127.0.0.1", "-p", port]).status === 0;
  return { command: join(postgresPrograms, "postgres"), options, as, env, isReady };
}

const answers = (port) =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), done(true)));
    socket.once("error", () => done(false));
  });

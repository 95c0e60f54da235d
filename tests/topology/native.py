"""Starts what docker-compose.yml names, without containers, and has it work: the same commands, environment and
checks of health, with other addresses and folders. PostgreSQL and Redis are Debian's; the collector is rotel, which
stands in for OpenTelemetry's, as `makegood emulate otlp` does for Tempo. Grafana is left out.

Everything ends with this process, whatever becomes of it short of `kill -9`."""

import itertools
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import compose

# For all of it, in seconds; and for one service to be well: the functions may have to be compiled.
LIMIT, PATIENCE = 540, 240
MAKEGOOD = os.path.abspath(os.environ.get("MAKEGOOD", "makegood"))
# What a service gets of ours besides what the file gives it.
OURS = {name: os.environ[name] for name in ("PATH", "HOME", "CARGO_TARGET_DIR", "XDG_CACHE_HOME") if name in os.environ}
# What somebody may have in their environment: a password that no URL takes as it is.
GIVEN = {"POSTGRES_PASSWORD": "a/b#c?d@e:f%g"}
# Below the ports that the kernel gives to clients.
PORTS = itertools.count(10_000 + os.getpid() % 100 * 100)


def port():
    for number in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)):
                return number


def program(name):
    """Debian keeps most of PostgreSQL's programs out of the path."""
    folders = os.environ["PATH"].split(":") + [str(path) for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin")]
    found = shutil.which(name, path=":".join(folders))
    return found or sys.exit(f"{name} is missing: apt-get install --yes postgresql redis-server")


class Topology:
    """What runs, last first when it ends."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []

    def start(self, name, command, environment=None, ending=signal.SIGTERM, cwd="/", user=None):
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen(
            command, env=OURS | (environment or {}), cwd=cwd, user=user, group=user and pwd.getpwuid(user).pw_gid,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.processes.append((name, process, ending))

    def wait(self, name, well):
        """Until it is well, or has ended."""
        process = next(process for known, process, _ in self.processes if known == name)
        began = time.monotonic()
        while not well():
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                raise SystemExit(f"{name} did not become well:\n{self.said(name)}")
            time.sleep(0.1)
        print(f"{name} is well, after {time.monotonic() - began:.1f} s")

    def said(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def end(self):
        for name, process, ending in reversed(self.processes):
            process.send_signal(ending)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                print(f"{name} had to be killed", file=sys.stderr)


def postgres(topology, service, at):
    """A cluster with the user, password and database that the image would make."""
    given = service["environment"]
    user = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
    data, password = topology.folder / "postgres", topology.folder / "password"
    password.write_text(given["POSTGRES_PASSWORD"])
    data.mkdir()
    if user:
        for path in (topology.folder, data, password):
            os.chown(path, user, pwd.getpwuid(user).pw_gid)
    run = lambda *command, **more: subprocess.run(
        command, check=True, user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **more
    )
    run(program("initdb"), f"--username={given['POSTGRES_USER']}", f"--pwfile={password}", "--auth=scram-sha-256",
        "--encoding=UTF8", "--locale=C", "-D", str(data))  # fmt: skip
    command = [program("postgres"), "-D", str(data), "-p", str(at)]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    # Its fast shutdown.
    topology.start("postgres", command, ending=signal.SIGINT, user=user)
    # The check of the file, at this port. It does not ask for the database, which is made then.
    check = [program(service["healthcheck"]["test"][1]), *service["healthcheck"]["test"][2:], f"--port={at}"]
    topology.wait("postgres", lambda: succeeds(check))
    connection = ["-h", "127.0.0.1", "-p", str(at), "-U", given["POSTGRES_USER"]]
    secret = OURS | {"PGPASSWORD": given["POSTGRES_PASSWORD"]}
    run(program("createdb"), *connection, given["POSTGRES_DB"], env=secret)


def redis(topology, service, at):
    command = [program(service["command"][0]), *service["command"][1:]]
    topology.start("redis", [*command, "--port", str(at), "--bind", "127.0.0.1", "--dir", str(topology.folder)])
    check = service["healthcheck"]["test"][1:]
    topology.wait("redis", lambda: succeeds([program(check[0]), "-p", str(at), *check[1:]]))


def makegood(topology, name, service, at):
    """One of our services: as the file has it, at the ports that were found."""
    folder = topology.folder / name
    folder.mkdir()
    elsewhere = {"0.0.0.0": "127.0.0.1", "/data": str(folder)}
    command = [elsewhere.get(word, word) for word in service["command"]]
    hosts = lambda text: re.sub(r"(?<=[@/])(\w+):\d+", lambda found: f"127.0.0.1:{at[found[1]]}", text)
    environment = {key: hosts(value) for key, value in (service.get("environment") or {}).items()}
    topology.start(name, [MAKEGOOD, *command, "--port", str(at[name])], environment, cwd=compose.ROOT)
    check = [re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{at[name]}", word) for word in service["healthcheck"]["test"][2:]]
    topology.wait(name, lambda: succeeds([MAKEGOOD, *check]))


def collector(topology, at):
    rotel = pathlib.Path(__import__("rotel").__file__).with_name("rotel-agent")
    command = [str(rotel), "start", "--otlp-http-endpoint", f"127.0.0.1:{at['collector']}"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{port()}", "--exporter", "otlp", "--otlp-exporter-protocol", "http"]
    command += ["--otlp-exporter-endpoint", f"http://127.0.0.1:{at['otlp']}", "--batch-timeout", "200ms"]
    topology.start("collector", command, cwd=topology.folder)
    # It has no address that says so; that it forwards is seen below.
    topology.wait("collector", lambda: listens(at["collector"]))


def listens(number):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) == 0


def succeeds(command):
    done = subprocess.run(command, env=OURS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    return done.returncode == 0


def ask(url, body=None):
    """The status and the answer, which is JSON."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, body and json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def until(what, holds):
    began = time.monotonic()
    while True:
        seen = holds()
        if seen:
            print(f"{what}, after {time.monotonic() - began:.1f} s")
            return seen
        if time.monotonic() - began > 30:
            raise SystemExit(f"in vain waited for: {what}")
        time.sleep(0.1)


def send_a_trace(at):
    """Through the collector, and out of the receiver by its id."""
    trace, now = os.urandom(16).hex(), time.time_ns()
    span = {
        "traceId": trace, "spanId": os.urandom(8).hex(), "name": "across", "kind": 1,
        "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000),
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "topology"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    status, answer = ask(f"http://127.0.0.1:{at['collector']}/v1/traces", body)
    assert status == 200, answer

    def arrived():
        status, answer = ask(f"http://127.0.0.1:{at['otlp']}/api/traces/{trace}")
        return status == 200 and answer["batches"]

    [batch] = until("the trace came through the collector", arrived)
    assert batch["scopeSpans"][0]["spans"][0]["name"] == "across", batch
    assert resource["attributes"][0] in batch["resource"]["attributes"], batch


def run_a_saga(at):
    url = f"http://127.0.0.1:{at['makegood']}/api/execute"
    steps = [{"id": f"s{n}", "tool": "bench_effect", "params": {"n": n}, "after": [f"s{n - 1}"] if n else []} for n in range(3)]
    status, answer = ask(url, {"plan": {"steps": steps}})
    assert status == 202, answer
    saga = answer["saga"]

    def ended():
        status, answer = ask(f"{url}/{saga}")
        assert status == 200, answer
        return answer["phase"] in ("completed", "made_good", "stuck") and answer

    answer = until("a saga ended", ended)
    assert answer["phase"] == "completed", answer


def main():
    def give_up(number, _):
        raise SystemExit(f"ended by {signal.Signals(number).name}")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, give_up)
    signal.alarm(LIMIT)
    composition = compose.read(given=GIVEN)
    services, ours = composition["services"], compose.ours(composition)
    at = {name: port() for name in services}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="makegood-topology-"))
    topology = Topology(folder)
    try:
        postgres(topology, services["postgres"], at["postgres"])
        redis(topology, services["redis"], at["redis"])
        for name, service in ours.items():
            makegood(topology, name, service, at)
        collector(topology, at)
        send_a_trace(at)
        run_a_saga(at)
        for name, process, _ in topology.processes:
            assert process.poll() is None, f"{name} ended:\n{topology.said(name)}"
    finally:
        signal.alarm(0)
        topology.end()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(topology.processes)} services, and all of it held")


main()

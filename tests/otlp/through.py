"""Starts the receiver, the collector and the platform, has a saga undone, and compares its trace at both ends."""

import base64
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

MAKEGOOD = os.environ["MAKEGOOD"]
TRACE, CALLER = os.urandom(16).hex(), os.urandom(8).hex()
PATIENCE = 180
KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
CODES = ["UNSET", "OK", "ERROR"]


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def listens(number):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) == 0


def ask(url, body=None, **headers):
    """The status and the answer, which is JSON, or text where it refuses."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers})
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
            print(f"{what}, after {time.monotonic() - began:.1f} s", flush=True)
            return seen
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(f"in vain waited for: {what}")
        time.sleep(0.5)


def spans(resources):
    return [span for one in resources for scope in one["scopeSpans"] for span in scope["spans"]]


def shown(span):
    """A span of OTLP's JSON, in the words of both."""
    links = [link["spanId"] for link in span.get("links", [])]
    code, kind = span["status"]["code"], span["kind"]
    return word(span, span["spanId"], span.get("parentSpanId"), links, kind, code)


def kept(span):
    """One of Tempo's, whose ids are base64 and whose enums have names."""
    number = lambda names, name: names.index((name or names[0]).rsplit("_", 1)[-1])
    identity = lambda text: base64.b64decode(text).hex() if text else None
    links = [identity(link["spanId"]) for link in span.get("links", [])]
    kind, code = number(KINDS, span.get("kind")), number(CODES, span.get("status", {}).get("code"))
    return word(span, identity(span["spanId"]), identity(span.get("parentSpanId")), links, kind, code)


def word(span, identity, parent, links, kind, code):
    attributes = {one["key"]: one["value"] for one in span.get("attributes", [])}
    times = span["startTimeUnixNano"], span["endTimeUnixNano"]
    return identity, (parent, span["name"], kind, code, times, sorted(links), attributes)


def undo_a_saga(url):
    for fault in [
        {"tool": "book_restaurant_table", "kind": "error", "count": 2},
        {"tool": "request_ride", "kind": "refuse"},
    ]:
        assert ask(f"{url}/demo/faults", fault)[0] == 201
    dinner = {"restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}
    way = {"pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}
    steps = [
        {"id": "table", "tool": "book_restaurant_table", "params": dinner},
        {"id": "nap", "wait": {"for_ms": 2500}, "after": ["table"]},
        {"id": "ride", "tool": "request_ride", "params": way, "after": ["nap"]},
    ]
    plan = {"summary": "Out", "steps": steps}
    status, answer = ask(f"{url}/api/execute", {"plan": plan}, traceparent=f"00-{TRACE}-{CALLER}-01")
    assert status == 202, answer
    at = f"{url}/api/execute/{answer['saga']}"
    until("the saga was made good", lambda: ask(at)[1]["phase"] == "made_good")


def main():
    with contextlib.ExitStack() as ends:
        folder = pathlib.Path(ends.enter_context(tempfile.TemporaryDirectory()))

        def start(name, command, **environment):
            log = ends.enter_context(open(folder / f"{name}.log", "wb"))
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
            ends.callback(process.wait)
            ends.callback(process.terminate)

        receiver, collector, platform = port(), port(), port()
        for name in ["receiver", "platform"]:
            (folder / name).mkdir()
        data = ["--data-dir", str(folder / "receiver")]
        start("receiver", [MAKEGOOD, "emulate", "otlp", "--port", str(receiver), *data])
        rotel = pathlib.Path(__import__("rotel").__file__).with_name("rotel-agent")
        command = [str(rotel), "start", "--otlp-http-endpoint", f"127.0.0.1:{collector}"]
        command += ["--otlp-grpc-endpoint", f"127.0.0.1:{port()}", "--exporter", "otlp"]
        command += ["--otlp-exporter-protocol", "http", "--batch-timeout", "200ms"]
        start("collector", [*command, "--otlp-exporter-endpoint", f"http://127.0.0.1:{receiver}"])
        told = f"http://127.0.0.1:{collector}"
        data = ["--data-dir", str(folder / "platform")]
        start(
            "platform",
            [MAKEGOOD, "up", "--no-build", "--port", str(platform), *data],
            SPIN_VARIABLE_TRACE_EXPORT="true",
            SPIN_VARIABLE_OTLP_HOST=told,
            SPIN_VARIABLE_OTLP_ENDPOINT=told,
        )
        url = f"http://127.0.0.1:{platform}"
        until("all are up", lambda: all(listens(one) for one in [receiver, collector, platform]))
        until("the platform is well", lambda: ask(f"{url}/api/debug/health")[0] == 200)
        undo_a_saga(url)
        status, answer = ask(f"{url}/api/debug/traces/{TRACE}")
        assert status == 200, answer
        wanted = dict(shown(span) for span in spans(answer["resourceSpans"]))

        def arrived():
            status, answer = ask(f"http://127.0.0.1:{receiver}/api/v2/traces/{TRACE}")
            found = dict(kept(span) for span in spans(answer["trace"]["resourceSpans"])) if status == 200 else {}
            return found if len(found) >= len(wanted) else None

        try:
            found = until("the trace came through the collector", arrived)
        except SystemExit:
            for name in ["collector", "platform"]:
                print((folder / f"{name}.log").read_text(errors="replace")[-3000:])
            raise
        for identity in sorted(wanted.keys() | found.keys()):
            assert wanted.get(identity) == found.get(identity), (identity, wanted.get(identity), found.get(identity))
        print(f"{len(wanted)} spans are as they were sent")


main()

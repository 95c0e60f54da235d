"""Has a saga undone, follows its trace and its log through the collector, and compares what went in, what came out and
what is shown."""

import base64
import collections
import contextlib
import gzip
import http.client
import http.server
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

import rotel
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MAKEGOOD = os.environ["MAKEGOOD"]
TRACE, CALLER = os.urandom(16).hex(), os.urandom(8).hex()
PATIENCE = 180
LOOPBACK = "127.0.0.1"
TRACES, LOGS = "/v1/traces", "/v1/logs"
IDS = {"traceId", "spanId", "parentSpanId"}
# What the environment may have that would put the platform elsewhere, or somebody between all of these.
ELSEWHERE = {"DATABASE_URL", "REDIS_URL", "MAKEGOOD_ALERT_URL", "MAKEGOOD_MCP_SERVERS", "SPIN_VARIABLE_OTLP_SAMPLE",
             "SPIN_VARIABLE_OTLP_HEADERS", "SPIN_VARIABLE_OTLP_CONTENTS", "SPIN_VARIABLE_OTLP_LOGS"}
PROXIES = {"http_proxy", "https_proxy", "all_proxy"}
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Listener(http.server.BaseHTTPRequestHandler):
    """Writes down what it is sent, in `server.seen`, and answers as `server.answer` does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.body()
        status, kind, answer = self.server.answer(self.path, self.headers, body)
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.seen.append((self.path, body, status))
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def body(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def log_message(self, *_):
        pass


def listen(ends, answer):
    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Listener)
    server.daemon_threads = True
    server.seen, server.answer = [], answer
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ends.callback(server.shutdown)
    return server


def handed_to(port):
    """The answer of who listens there."""

    def answer(path, headers, body):
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", path, body, {"content-type": headers["content-type"]})
            response = connection.getresponse()
            return response.status, response.headers.get("content-type", "text/plain"), response.read()

    return answer


def taken(_path, _headers, _body):
    return 200, "application/x-protobuf", b""


def port():
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return free.getsockname()[1]


def listens(number):
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, number)) == 0


def ask(url, body=None, **headers):
    """The status and the answer, which is JSON, or text where it refuses; 0 where nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers})
    try:
        with direct.open(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


class Processes:
    """What was started, each with a log, and ended in the reverse order."""

    def __init__(self, ends, folder):
        self.ends, self.folder, self.running = ends, folder, {}

    def start(self, name, command, **environment):
        log = self.ends.enter_context(open(self.log(name), "wb"))
        inherited = {key: value for key, value in os.environ.items()
                     if key not in ELSEWHERE and key.lower() not in PROXIES}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**inherited, **environment})
        self.running[name] = process
        self.ends.callback(self.end, process)

    def end(self, process):
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self, name):
        return self.folder / f"{name}.log"

    def ended(self):
        return [name for name, process in self.running.items() if process.poll() is not None]

    def tell(self):
        for name in self.running:
            print(f"--- what {name} said last\n{self.log(name).read_text(errors='replace')[-3000:]}", flush=True)


def until(what, holds, processes):
    began = time.monotonic()
    while True:
        seen = holds()
        if seen:
            print(f"{what}, after {time.monotonic() - began:.1f} s", flush=True)
            return seen
        if ended := processes.ended():
            raise SystemExit(f"ended by itself: {', '.join(ended)}")
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(f"in vain waited for: {what}")
        time.sleep(0.5)


def undo_a_saga(url, processes):
    """A table that is booked at the third try, two naps that end an invocation each, and a ride that nobody drives."""
    for fault in [
        {"tool": "book_restaurant_table", "kind": "error", "count": 2},
        {"tool": "request_ride", "kind": "refuse"},
    ]:
        status, answer = ask(f"{url}/demo/faults", fault)
        assert status == 201, answer
    dinner = {"restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}
    way = {"pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}
    steps = [
        {"id": "table", "tool": "book_restaurant_table", "params": dinner},
        {"id": "nap", "wait": {"for_ms": 2500}, "after": ["table"]},
        {"id": "rest", "wait": {"for_ms": 2500}, "after": ["nap"]},
        {"id": "ride", "tool": "request_ride", "params": way, "after": ["rest"]},
    ]
    plan = {"summary": "Out", "steps": steps}
    status, answer = ask(f"{url}/api/execute", {"plan": plan}, traceparent=f"00-{TRACE}-{CALLER}-01")
    assert status == 202, answer
    at = f"{url}/api/execute/{answer['saga']}"

    def made_good():
        status, answer = ask(at)
        return status == 200 and answer["phase"] == "made_good"

    until("the saga was made good", made_good, processes)


def spans(request):
    """The spans of our trace, in a request or an answer of JSON."""
    scopes = [scope for one in request["resourceSpans"] for scope in one["scopeSpans"]]
    return [span for scope in scopes for span in scope["spans"] if span["traceId"] == TRACE]


def is_as_wanted(shown):
    """It is the saga that was meant."""
    names = [span["name"] for span in shown]
    invocations = [name for name in names if name.startswith("invocation ")]
    calls = {"execute_tool book_restaurant_table", "status book_restaurant_table"}
    failed = [span for span in shown if span["name"] in calls and span["status"]["code"] == 2]
    assert len(invocations) >= 3, names
    assert len(failed) >= 2, names
    assert "undo table" in names, names
    root = next(span for span in shown if span["name"] == "saga")
    assert (root["parentSpanId"], root["status"]["code"]) == (CALLER, 2), root
    return f"{len(invocations)} invocations, {len(failed)} calls that failed, {names.count('undo table')} undo"


def as_proto(value):
    """OTLP's JSON as protocol buffers have it, whose JSON has ids in base64."""
    if isinstance(value, list):
        return [as_proto(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = lambda key, one: base64.b64encode(bytes.fromhex(one)).decode() if key in IDS else as_proto(one)
    return {key: changed(key, one) for key, one in value.items()}


def sent(body, request):
    """What stands in a request of ours. A field that the protocol does not have is an error."""
    return json_format.ParseDict(as_proto(json.loads(body)), request)


def parts(requests):
    """Each span of our trace, by its id, with its resource and its library: however they are put together."""
    found = {}
    for request in requests:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    if span.trace_id.hex() == TRACE:
                        about = (resource.resource, resource.schema_url, scope.scope, scope.schema_url, span)
                        found[span.span_id.hex()] = about
    return found


def compare(before, after):
    """Both have the same spans, and of each the same."""
    assert before.keys() == after.keys(), before.keys() ^ after.keys()
    for identity, one in before.items():
        for was, became in zip(one, after[identity]):
            assert was == became, f"{identity} was sent as\n{was}\nand came as\n{became}"


def records(requests):
    """How often there is each log record of our trace, with its resource and its library, as text."""
    found = collections.Counter()
    for request in requests:
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    if record.trace_id.hex() == TRACE:
                        about = (resource.resource, scope.scope, record)
                        found[tuple(str(one) for one in about), resource.schema_url, scope.schema_url] += 1
    return found


def lines(requests):
    """What the log says in our trace: the number of the severity, the words, and the span."""
    scopes = [scope for request in requests for resource in request.resource_logs for scope in resource.scope_logs]
    return [(record.severity_number, record.body.string_value, record.span_id.hex())
            for scope in scopes for record in scope.log_records if record.trace_id.hex() == TRACE]


def logs_through(ear, sink, saga_span, processes):
    """Every line of the log in our trace was taken, and came out as it was sent."""
    told = lambda: [sent(body, ExportLogsServiceRequest()) for path, body, _ in list(ear.seen) if path == LOGS]
    came = lambda: [ExportLogsServiceRequest.FromString(body) for path, body, _ in list(sink.seen) if path == LOGS]

    def all_came():
        before = records(told())
        return before if before and before == records(came()) else None

    through = until("the log has come through the collector", all_came, processes)
    said = lines(told())
    started = [line for line in said if line[1].startswith("answered method=POST route=/api/execute status=202 ")]
    woken = [line for line in said if line[1].startswith("answered method=POST route=/api/execute/step status=200 ")]
    assert [(number, span) for number, _, span in started] == [(5, CALLER)], said
    assert len(woken) >= 3 and all(span == saga_span for _, _, span in woken), said
    return f"{through.total()} lines of the log"


def main(ends, processes):
    platform, collector = port(), port()
    sink = listen(ends, taken)
    ear = listen(ends, handed_to(collector))
    agent = pathlib.Path(rotel.__file__).with_name("rotel-agent")
    command = [str(agent), "start", "--otlp-http-endpoint", f"{LOOPBACK}:{collector}"]
    command += ["--otlp-grpc-endpoint", f"{LOOPBACK}:{port()}", "--exporter", "otlp"]
    command += ["--otlp-exporter-protocol", "http", "--batch-timeout", "200ms"]
    processes.start("rotel", [*command, "--otlp-exporter-endpoint", f"http://{LOOPBACK}:{sink.server_port}"])
    until("the collector is up", lambda: listens(collector), processes)
    told = f"http://{LOOPBACK}:{ear.server_port}"
    data = processes.folder / "data"
    data.mkdir()
    processes.start(
        "makegood",
        [MAKEGOOD, "up", "--no-build", "--port", str(platform), "--data-dir", str(data)],
        SPIN_VARIABLE_TRACE_EXPORT="true",
        SPIN_VARIABLE_OTLP_HOST=told,
        SPIN_VARIABLE_OTLP_ENDPOINT=told,
        SPIN_VARIABLE_OTLP_LOGS="debug",
    )
    url = f"http://{LOOPBACK}:{platform}"
    until("the platform is well", lambda: ask(f"{url}/api/debug/health")[0] == 200, processes)
    undo_a_saga(url, processes)
    status, answer = ask(f"{url}/api/debug/traces/{TRACE}")
    assert status == 200, answer
    shown = spans(answer)
    about = is_as_wanted(shown)

    def ours():
        requests = [body for path, body, _ in list(ear.seen) if path == TRACES]
        return [body for body in requests if spans(json.loads(body))]

    def came():
        requests = [body for path, body, _ in list(sink.seen) if path == TRACES]
        found = parts(ExportTraceServiceRequest.FromString(body) for body in requests)
        return found if len(found) >= len(shown) else None

    # Noted when it came to rest, it is told after the next sweep.
    bodies = until("the platform has told of it", ours, processes)
    after = until("it has come through the collector", came, processes)
    root = next(span for span in shown if span["name"] == "saga")
    log = logs_through(ear, sink, root["spanId"], processes)
    refused = [(path, status) for path, _, status in ear.seen if status != 200]
    assert not refused, f"the collector answered {refused}"
    last = spans(json.loads(bodies[-1]))
    by_id = lambda all_of: {span["spanId"]: span for span in all_of}
    assert by_id(last) == by_id(shown), "what was sent is not what is shown"
    compare(parts(sent(body, ExportTraceServiceRequest()) for body in bodies), after)
    print(f"{about}: {len(shown)} spans were taken, and came out as they were sent and are shown; and so did {log}")


if __name__ == "__main__":
    with contextlib.ExitStack() as ends:
        started = Processes(ends, pathlib.Path(ends.enter_context(tempfile.TemporaryDirectory())))
        try:
            main(ends, started)
        except BaseException:
            started.tell()
            raise

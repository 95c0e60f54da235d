"""Whether docker-compose.yml is right: by the schema of the Compose specification, and in what a schema cannot know.
Prints what is wrong, a line each, and fails; or else, as JSON, what `makegood` is to run in each service.

It does not know whether an image exists, nor what a service makes of its configuration."""

import json
import pathlib
import re
import subprocess
import sys

import compose

# A check of health needs a shell or a client in the image: the collector's has neither, and of Loki's nobody knows.
WITHOUT_HEALTH = {"collector", "loki"}
URL = re.compile(r"\b([a-z+]+)://(?:[^@/\s\"]*@)?([a-z][a-z0-9-]*)(?::(\d+))?(?![\w.-])")
USUAL = {"http": 80, "https": 443, "postgres": 5432, "redis": 6379}
PORT = re.compile(r"127\.0\.0\.1:(\d+):(\d+)")
HERE = re.compile(r"\b(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)")
# What an image has without being told: the ports at which it listens, and the folders that it reads and writes.
IMAGES = {
    "postgres": ({5432}, {"/var/lib/postgresql/data"}),
    "redis": ({6379}, {"/data"}),
    "prom/prometheus": ({9090}, {"/prometheus"}),
    "grafana/grafana": ({3000}, {"/var/lib/grafana", "/etc/grafana/provisioning"}),
}
# A version of at least two parts.
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?")


def schema(path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True)
    if checked.returncode:
        yield f"the schema: {checked.stdout}{checked.stderr}".strip()


def references(composition):
    """What is named is there, and what is there is named."""
    services, volumes = composition["services"], composition.get("volumes") or {}
    used = {}
    for name, service in services.items():
        for other, how in (service.get("depends_on") or {}).items():
            if other not in services:
                yield f"{name} depends on {other}, which is not there"
                continue
            if how["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name} waits for the health of {other}, which is not checked"
            profiles = set(services[other].get("profiles", []))
            if profiles and not profiles >= set(service.get("profiles", [None])):
                yield f"{name} depends on {other}, which may be in no profile that is up"
        for network in service.get("networks") or []:
            if network not in (composition.get("networks") or {}):
                yield f"{name} is in the network {network}, which is not there"
        for volume in service.get("volumes") or []:
            source = volume.split(":")[0]
            if source.startswith((".", "/")):
                if not (compose.ROOT / source).exists():
                    yield f"{name} mounts {source}, which is not there"
            elif source not in volumes:
                yield f"{name} uses the volume {source}, which is not there"
            elif used.setdefault(source, name) != name:
                yield f"{name} uses the volume {source}, as {used[source]} does"
        build = service.get("build")
        if build and not (compose.ROOT / build["context"] / build["dockerfile"]).is_file():
            yield f"{name} is built from {build['dockerfile']}, which is not there"
        if "healthcheck" not in service and name not in WITHOUT_HEALTH:
            yield f"the health of {name} is not checked"
    for volume in volumes.keys() - used.keys():
        yield f"the volume {volume} is used by nobody"


def images(composition):
    """What is built is built once, and what is not is pinned."""
    built = compose.built(composition)
    for image, builders in built.items():
        if len(builders) > 1:
            yield f"the image {image} is built by {' and '.join(builders)}: let one build it, and the others use it"
    for name, service in composition["services"].items():
        image = service.get("image", "")
        if image not in built and not PINNED.fullmatch(image):
            yield f"the image of {name} is not pinned: {image}"


def image(service):
    """Its image's name without the version."""
    return service.get("image", "").split(":")[0]


def published(service):
    """The ports that it publishes, as they are inside."""
    found = (PORT.fullmatch(str(port)) for port in service.get("ports") or [])
    return {int(port[2]) for port in found if port}


def listening(composition):
    """The ports at which each service listens, by its image or its configuration; of ours it is those that it
    publishes, and local/tests/compose.rs asks `makegood` whether they are right."""
    docker, port = compose.ROOT / "docker", lambda receiver: int(receiver["endpoint"].rsplit(":", 1)[1])
    otlp = lambda receivers: {port(receiver) for receiver in receivers["otlp"]["protocols"].values()}
    tempo, loki = compose.yaml(docker / "tempo.yaml"), compose.yaml(docker / "loki.yaml")
    receivers = compose.yaml(docker / "collector.yaml")["receivers"]
    known = {name: ports for name, (ports, _) in IMAGES.items()} | {
        "otel/opentelemetry-collector-contrib": otlp(receivers) | {port(receivers["fluentforward"])},
        "grafana/tempo": {tempo["server"]["http_listen_port"], *otlp(tempo["distributor"]["receivers"])},
        "grafana/loki": {loki["server"]["http_listen_port"]},
    }
    ours = compose.ours(composition)
    return {
        name: published(service) if name in ours else known.get(image(service))
        for name, service in composition["services"].items()
    }


def ports(composition):
    taken, listens = {}, listening(composition)
    for name, service in composition["services"].items():
        if listens[name] is None:
            yield f"where {image(service)} of {name} listens is not known: add it to IMAGES in tests/topology/check.py"
            continue
        for port in service.get("ports") or []:
            found = PORT.fullmatch(str(port))
            if not found:
                yield f"{name} publishes {port}, which is not on loopback alone"
            elif taken.setdefault(found[1], name) != name:
                yield f"{name} publishes the port {found[1]}, as {taken[found[1]]} does"
            elif int(found[2]) not in listens[name]:
                yield f"{name} publishes its port {found[2]}, and listens at {numbers(listens[name])}"
        for word in service.get("healthcheck", {}).get("test", []):
            if "://" in word and not HERE.search(word):
                yield f"the health of {name} is asked at {word}, which is not on its own loopback"
            for port in HERE.findall(word):
                if int(port) not in listens[name]:
                    yield f"the health of {name} is asked at {port}, and it listens at {numbers(listens[name])}"


def numbers(ports):
    return " and ".join(str(port) for port in sorted(ports)) or "no port that it publishes"


def mounts(composition):
    """What is mounted is mounted where somebody looks: the command, a file that is mounted too, or the image."""
    for name, service in composition["services"].items():
        texts = [*service.get("command", []), *(text for _, text in mounted(service))]
        _, places = IMAGES.get(image(service), (None, set()))
        for volume in service.get("volumes") or []:
            target = volume.split(":")[1]
            named = re.compile(re.escape(target) + r"(?![\w.-])")
            if target not in places and not any(named.search(text) for text in texts):
                yield f"{name} mounts {volume.split(':')[0]} at {target}, where nothing of it looks"


def mounted(service):
    """The files that it mounts, with what is in them."""
    for volume in service.get("volumes") or []:
        path = compose.ROOT / volume.split(":")[0]
        if volume.startswith(".") and path.exists():
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            yield from ((file, file.read_text()) for file in files)


def variables(path):
    """Those of the file are explained in the example, with the same default."""
    explained = dict(re.findall(r"^#?(\w+)=(.*)$", (compose.ROOT / ".env.local.example").read_text(), re.MULTILINE))
    text = pathlib.Path(path).read_text()
    for name, default in compose.VARIABLE.findall(text):
        if name not in explained:
            yield f"the variable {name} is not in .env.local.example"
        elif explained[name] != default:
            yield f"the variable {name} is {explained[name]!r} in .env.local.example, and {default!r} here"
    for found in re.findall(r"(?<!\$)\$(?:\w+|\{[^}]*\})", text):
        if not compose.VARIABLE.fullmatch(found):
            yield f"the variable {found} has no default"


def hosts(composition):
    """Services are reached under the names of services and where those listen, in their environment and in the files
    that they mount."""
    services, listens = composition["services"], listening(composition)
    for name, service in services.items():
        texts = [str(value) for value in (service.get("environment") or {}).values()]
        texts += [text for _, text in mounted(service)]
        for scheme, host, port in sorted({url for text in texts for url in URL.findall(text)}):
            port = int(port) if port else USUAL.get(scheme)
            if host not in services:
                yield f"{name} is to reach {host}, which is no service"
            elif port not in (listens[host] or ()):
                yield f"{name} is to reach {host} at {port}, and it listens at {numbers(listens[host] or ())}"


def configuration():
    """The files that are mounted, where they refer to each other or to themselves."""
    docker = compose.ROOT / "docker"
    collector = compose.yaml(docker / "collector.yaml")
    for name, pipeline in collector["service"]["pipelines"].items():
        for kind in ("receivers", "processors", "exporters"):
            for part in pipeline.get(kind, []):
                if part not in collector[kind]:
                    yield f"collector.yaml: the pipeline {name} names {part}, which is not among the {kind}"
    compose.yaml(docker / "tempo.yaml")
    for rules in compose.yaml(docker / "prometheus.yaml")["rule_files"]:
        if pathlib.PurePath(rules).name != "alerts.yaml":
            yield f"prometheus.yaml: {rules} is not mounted"
    names = [rule["alert"] for group in compose.yaml(docker / "grafana/alerts.yaml")["groups"] for rule in group["rules"]]
    for name in {name for name in names if names.count(name) > 1}:
        yield f"alerts.yaml: {name} is there twice"
    provisioning = docker / "grafana/provisioning"
    files = [compose.yaml(path) for path in (provisioning / "datasources").glob("*.yaml")]
    uids = {source["uid"] for file in files for source in file["datasources"]}
    compose.yaml(provisioning / "dashboards/makegood.yaml")
    for path in (docker / "grafana/dashboards").glob("*.json"):
        dashboard = json.loads(path.read_text())
        variables = [variable for variable in dashboard["templating"]["list"] if "datasource" in variable]
        for panel in dashboard["panels"]:
            for part in [panel, *panel["targets"], *variables]:
                if part["datasource"]["uid"] not in uids:
                    yield f"{path.name}: the panel {panel['title']} reads from {part['datasource']['uid']}, which is not there"


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else compose.FILE
    wrong = list(schema(path))
    if not wrong:
        composition = compose.read(path)
        for check in (references, images, ports, mounts, hosts):
            wrong += check(composition)
        wrong += variables(path)
        wrong += configuration()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        sys.exit(1)
    runs = {
        name: {
            "command": service["command"],
            "health": service["healthcheck"]["test"],
            "environment": list(service.get("environment") or {}),
            "ports": sorted(published(service)),
            "mounts": [volume.split(":")[1] for volume in service.get("volumes") or []],
        }
        for name, service in compose.ours(composition).items()
    }
    print(json.dumps(runs))


main()

"""Reads docker-compose.yml as Compose does, as far as it is used here: merge keys, and `${NAME:-default}`."""

import pathlib
import re

from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def yaml(path):
    return YAML(typ="safe", pure=True).load(pathlib.Path(path).read_text())


def read(path=FILE, given=None):
    """The file with its variables filled in: those that are given, and of the others the defaults."""
    return fill(yaml(path), given or {})


def fill(value, given):
    if isinstance(value, dict):
        return {name: fill(each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [fill(each, given) for each in value]
    return VARIABLE.sub(lambda found: given.get(found[1], found[2]), value) if isinstance(value, str) else value


def built(composition):
    """The images that are built here, each with the services that build it."""
    images = {}
    for name, service in composition["services"].items():
        if "build" in service:
            images.setdefault(service.get("image", name), []).append(name)
    return images


def ours(composition):
    """The services that run `makegood`, by name: those of an image that is built here."""
    images = built(composition)
    return {name: service for name, service in composition["services"].items() if service.get("image") in images}

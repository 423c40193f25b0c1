"""docker-compose.yml and Dockerfile as data: what a container engine would read, for tests on machines that have none."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from registry.environment import ROOT

COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
OURS = ("migrate", "web", "worker", "beat")


def compose() -> dict[str, Any]:
    """Return the compose file as YAML reads it, variables unreplaced."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def filled_in(text: str, values: dict[str, str]) -> str:
    """Replace ${NAME}, ${NAME:-default} and ${NAME:?message} as compose does; $$ is a dollar sign."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if values.get(name):
            return values[name]
        if kind == "?":
            raise LookupError(rest)
        return rest if kind == "-" else values.get(name, "")

    return VARIABLE.sub(value, text).replace("$$", "$")


def environment_of(service: str, values: dict[str, str]) -> dict[str, str]:
    """Return what a container of the service finds in its environment."""
    return {name: filled_in(str(text), values) for name, text in compose()["services"][service].get("environment", {}).items()}


@dataclass(frozen=True)
class Step:
    """One instruction of the Dockerfile."""

    stage: int
    word: str
    rest: str

    def words(self) -> list[str]:
        """Return the arguments, whether they are written as a list or as words."""
        return [str(part) for part in json.loads(self.rest)] if self.rest.startswith("[") else shlex.split(self.rest)


def steps() -> list[Step]:
    """Return the instructions of the Dockerfile in order; ARG before the first stage belongs to stage -1."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE))
    found, stage = [], -1
    for line in filter(None, map(str.strip, text.splitlines())):
        word, rest = line.split(maxsplit=1)
        stage += word == "FROM"
        found.append(Step(stage, word, rest))
    return found


def is_left_out(path: Path) -> bool:
    """Tell whether .dockerignore keeps a file (relative to the project) out of the image."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    candidates = [path, *path.parents]
    return any(matches(pattern, candidate) for pattern in patterns for candidate in candidates)


def matches(pattern: str, path: Path) -> bool:
    if pattern.startswith("**/"):
        return fnmatch(path.name, pattern[3:])
    return fnmatch(str(path), pattern)

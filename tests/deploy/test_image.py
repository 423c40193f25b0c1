"""The steps of the Dockerfile, carried out in a scratch directory: what needs an engine or a network is stood in for, and said so.

Stood in for: the base image (this machine), the installation of the pinned packages (this environment, whose versions are compared
with the pins), the account (its number is checked, none is made).
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import Marker

from registry.environment import ROOT
from tests.deploy import recipe

NOT_HERE = {
    "python3 -m venv /opt/venv": "the environment of this run stands in for it",
    "groupadd": "makes an account",
}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)(?: ; ([^\\]+))?", re.MULTILINE)


class Scratch:
    """A directory that stands for a container's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = root
        self.variables: dict[str, str] = {}

    def at(self, path: str) -> Path:
        """Return the place of an absolute or relative path of the container."""
        return self.root / path.lstrip("/") if path.startswith("/") else self.directory / path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command with the container's paths pointing in here."""
        inside = re.sub(r"(?<![\w.])/(srv|opt|var/lib/rtms)(?=[/\s]|$)", lambda found: f"{self.root}/{found[1]}", command)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("RTMS_", "DATABASE_", "BROKER_", "DJANGO_"))}
        shell = ["/bin/sh", "-euc", inside]
        return subprocess.run(shell, cwd=self.directory, env=clean | self.variables, capture_output=True, text=True, check=False)

    def copy_context(self, words: list[str]) -> None:
        """Copy what .dockerignore leaves, as the engine sends it."""
        *sources, target = words
        for source in sources:
            for path in files_below(Path(source)):
                place = self.at(target) / path if source == "." else self.at(target) / path.name
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, place)


def files_below(source: Path) -> Iterator[Path]:
    """Yield the files of the build context, relative to it, as the repository knows them."""
    if (ROOT / source).is_file():
        yield source
        return
    for top in sorted((ROOT / source).iterdir()):
        relative = top.relative_to(ROOT)
        if recipe.is_left_out(relative):
            continue
        found = [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
        yield from (path.relative_to(ROOT) for path in found if not recipe.is_left_out(path.relative_to(ROOT)))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scratch, list[str]]]:
    """Carry out every step; return the last stage and what was not carried out."""
    stages: dict[int, Scratch] = {}
    names: dict[str, int] = {}
    skipped: list[str] = []
    for step in recipe.steps():
        if step.word == "FROM":
            stages[step.stage] = Scratch(tmp_path_factory.mktemp("stage"))
            if " AS " in step.rest:
                names[step.rest.split(" AS ")[1]] = step.stage
            continue
        if step.stage >= 0:
            carry_out(step, stages, names, skipped)
    yield stages[max(stages)], skipped
    for stage in stages.values():
        shutil.rmtree(stage.root, ignore_errors=True)


def carry_out(step: recipe.Step, stages: dict[int, Scratch], names: dict[str, int], skipped: list[str]) -> None:
    here = stages[step.stage]
    if step.word == "WORKDIR":
        here.directory = here.at(step.rest)
        here.directory.mkdir(parents=True, exist_ok=True)
    elif step.word == "COPY" and step.rest.startswith("--from="):
        origin, source, target = step.rest.removeprefix("--from=").split()
        shutil.copytree(stages[names[origin]].at(source), here.at(target), symlinks=True)
    elif step.word == "COPY":
        here.copy_context(step.words())
    elif step.word == "ENV":
        here.variables |= {
            name: str(here.at(value)) if value.startswith("/") else value for name, value in (pair.split("=") for pair in step.words())
        }
    elif step.word == "RUN":
        run(step, here, skipped)


def run(step: recipe.Step, here: Scratch, skipped: list[str]) -> None:
    if " -m pip install " in step.rest or step.rest.startswith(tuple(NOT_HERE)):
        skipped.append(step.rest)
        if "venv" in step.rest and not here.at("/opt/venv").exists():
            here.at("/opt").mkdir(parents=True, exist_ok=True)
            (here.at("/opt") / "venv").symlink_to(Path(sys.prefix))
        return
    done = here.run(step.rest)
    assert done.returncode == 0, f"{step.rest}\n{done.stdout}{done.stderr}"


def test_image_is_made_and_starts(image):
    """One story: carrying out the steps takes most of a minute, and the fixture is made once for each worker that needs it."""
    last, skipped = image
    three_steps_are_stood_in_for(skipped)
    static_files_are_there(last)
    it_holds_the_program_and_no_secret(last)
    it_starts(last)
    a_service_without_its_servers_is_refused(last)


def three_steps_are_stood_in_for(skipped: list[str]) -> None:
    assert [step.split(" &&")[0].split(" --")[0] for step in skipped] == [
        "python3 -m venv /opt/venv",
        "/opt/venv/bin/python -m pip install",
        "groupadd",
    ]


def static_files_are_there(last: Scratch) -> None:
    assert (last.at("/srv/static") / "staticfiles.json").exists()
    assert list(last.at("/srv/static").rglob("*.gz"))


def it_holds_the_program_and_no_secret(last: Scratch) -> None:
    registry = last.at("/srv/registry")
    assert (registry / "deploy/health.py").exists()
    assert {path.name for path in registry.iterdir()} & {".git", ".env", "var", "tests", "secrets", ".venv"} == set()
    assert not (registry / "deploy/secrets").exists()
    # Compiled once here: the root of a container is read-only, and each start would compile anew.
    assert list((registry / "registry").rglob("settings.*.pyc"))


def it_starts(last: Scratch) -> None:
    (entry,) = [step.words() for step in recipe.steps() if step.word == "ENTRYPOINT"]
    done = last.run(" ".join([*entry, "check"]))
    assert done.returncode == 0, done.stderr


def a_service_without_its_servers_is_refused(last: Scratch) -> None:
    done = last.run("/opt/venv/bin/python manage.py serve web")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == "DATABASE_URL and BROKER_URL must be set for one service by itself; 'up' starts everything without (see .env.example).\n"
    )


def test_packages_of_this_run_are_those_the_image_installs():
    """So that what was tested is what is shipped; a pin for another system or Python is not looked at."""
    for name, version, marker in PIN.findall((ROOT / "requirements.txt").read_text()):
        if not marker or Marker(marker.strip()).evaluate():
            assert importlib.metadata.version(name) == version, name


def test_every_pin_has_a_hash():
    text = (ROOT / "requirements.txt").read_text()
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text.strip()))

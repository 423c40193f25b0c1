"""The how-tos of operation, run as written: every command of them, in order, on a folder that stands for an empty machine.

Stood in for, and nothing else: absolute paths begin in that folder, the pinned packages are those of this environment, `up` listens on a
free port and is stopped once it runs. What needs a container engine is compared with the compose file and the command's own options.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import load_command_class

from registry import launcher
from registry.embedded.place import Place
from registry.environment import ROOT
from tests.deploy import recipe
from tests.embedded.conftest import data_directory
from tests.embedded.running import kill_all, processes_of, users_environment
from tests.embedded.test_up import free_port

HOW_TO = ROOT / "docs" / "how-to"
PAGES = ("deploy.md", "back-up.md", "restore.md", "upgrade.md")
# One empty machine for all pages: what one makes the next one finds.
MACHINE_PATHS = re.compile(r"(?<![\w./:])/(?=(?:srv|backups|keys)\b)")
CRON = re.compile(r"^\d+ \d+ \* \* \*\s+")
STARTS_WITHIN_S = 300
# Options of compose that the pages use.
COMPOSE = {"build": {"--pull"}, "up": {"--detach", "--wait"}, "exec": set(), "run": {"--rm"}}
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "var", "tests", "bench", "__pycache__", ".*_cache", ".hypothesis", "secrets")


def commands(page: str) -> list[str]:
    """Return the lines of a page's plain code blocks, comments left out."""
    blocks = re.findall(r"^```\n(.*?)^```$", (HOW_TO / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+# .*$", "", line) for block in blocks for line in block.splitlines() if line.strip()]


class Machine:
    """A folder that stands for a machine's root, with the project unpacked in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "srv" / "rtms-pain-registry"
        self.backups = root / "backups"

    def make(self) -> None:
        shutil.copytree(ROOT, self.project, ignore=NOT_COPIED)
        self.backups.mkdir()
        self.install()
        # The pages back up what lies beside run.py, and serve a ward from another directory: here they are one.
        (self.project / "var").symlink_to(self.root / "srv" / "rtms")
        self.write_certificate()

    def install(self) -> None:
        """Let this environment stand for the one that run.py makes: same files, and the stamp that says so."""
        venv = self.project / ".venv"
        venv.mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (venv / part).symlink_to(Path(sys.prefix) / part)
        path, digest = launcher.stamp(launcher.RUN)
        (venv / path.name).write_text(digest)
        tools = self.root / "tools"
        tools.mkdir()
        (tools / "python3").symlink_to(Path(sys.prefix) / "bin" / "python")

    def write_certificate(self) -> None:
        """Put the site's certificate where the page names it."""
        made = self.root / "site"
        subprocess.run([sys.executable, "deploy/make_secrets.py", str(made), "--host", "ward-3.example.org"], cwd=ROOT, check=True)
        shutil.copy(made / "tls_certificate", self.project / "chain.pem")
        shutil.copy(made / "tls_key", self.project / "key.pem")

    def here(self, line: str) -> str:
        return MACHINE_PATHS.sub(f"{self.root}/", line)

    def variables(self) -> dict[str, str]:
        return users_environment(PATH=f"{self.root / 'tools'}:{os.environ['PATH']}")

    def run(self, line: str) -> str:
        """Run a line in a shell as its reader does."""
        shell = ["/bin/bash", "-euc", self.here(line)]
        done = subprocess.run(shell, cwd=self.project, env=self.variables(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run_on_another_day(self, line: str) -> str:
        """Run a line that names its backup by the day: the one that the page wrote out may be today's."""
        kept = self.backups.rename(self.root / "kept")
        self.backups.mkdir()
        (self.root / "keys").mkdir(exist_ok=True)
        said = self.run(line)
        assert any(self.backups.glob("20??-??-??/manifest.json"))
        assert any((self.root / "keys").glob("20??-??-??.keys/secrets.json")), "the keys lie apart"
        shutil.rmtree(self.backups)
        kept.rename(self.backups)
        return said

    def start(self, line: str) -> str:
        """Run `up` until it says that it runs, stop it, and return what it said."""
        log = self.root / "up.log"
        command = f"exec {self.here(line)} --port {free_port()}"
        with open(log, "wb") as output:
            started = subprocess.Popen(["/bin/bash", "-euc", command], cwd=self.project, env=self.variables(), stdout=output, stderr=output)
        try:
            give_up_at = time.monotonic() + STARTS_WITHIN_S
            while "Ctrl-C stops it." not in log.read_text():
                assert started.poll() is None, f"{line}\n{log.read_text()}"
                assert time.monotonic() < give_up_at, f"{line}\n{log.read_text()}"
                time.sleep(0.2)
            started.send_signal(signal.SIGINT)
            assert started.wait(120) == 0, log.read_text()
        finally:
            started.kill()
            started.wait()
        return log.read_text()


@pytest.fixture
def machine() -> Iterator[Machine]:
    with data_directory() as place:
        made = Machine(place.data)
        made.make()
        yield made
        kill_all(processes_of(place))
        for data in ("srv/rtms", "srv/rtms-new"):
            shutil.rmtree(Place(place.data / data).sockets, ignore_errors=True)


def test_every_line_of_every_page_is_of_a_kind_that_is_tried():
    assert {kind_of(line) for page in PAGES for line in commands(page)} == {"up", "run", "cron", "compose"}


def kind_of(line: str) -> str:
    """Return how a line is tried; one that fits nothing fails here, so that no page says what nobody tried."""
    if line.startswith("docker compose "):
        return "compose"
    if CRON.match(line):
        return "cron"
    if re.match(r"python3 run\.py up( |$)", line):
        return "up"
    if line.startswith(("python3 run.py ", "python3 deploy/", "echo ")):
        return "run"
    raise AssertionError(f"neither run nor compared with anything: {line}")


@pytest.mark.slow_services
def test_lines_for_a_machine_do_what_the_pages_say(machine: Machine) -> None:
    """One story through all pages, for each start of everything takes seconds."""
    said: dict[str, str] = {}
    starts: dict[str, str] = {}
    for page in PAGES:
        for line in commands(page):
            kind = kind_of(line)
            if kind == "up":
                start = what_it_starts(line)
                starts[start] = starts[start] if start in starts else machine.start(line)
                said[line] = starts[start]
            elif kind == "run":
                said[line] = machine.run(line)
            elif kind == "cron":
                said[line] = machine.run_on_another_day(CRON.sub("", line).replace("\\%", "%"))
    the_pages_promises_hold(machine, said)


def what_it_starts(line: str) -> str:
    """Return a start as it is here: the directory beside run.py is the one that the pages serve, and is started in one way once."""
    return line.replace(" --data /srv/rtms", "") if line.endswith("/srv/rtms") else line


def the_pages_promises_hold(machine: Machine, said: dict[str, str]) -> None:
    def of(words: str) -> str:
        (found,) = (text for line, text in said.items() if words in line)
        return found

    assert "Fingerprint" in of("--https --without-demonstration")
    assert "chain.pem" in of("--certificate chain.pem")
    assert "Keep a copy of identity_key apart" in of("make_secrets.py")
    assert (machine.project / ".env").read_text() == "REGISTRY_HOST=registry.example.org\n"
    assert {path.name for path in (machine.project / "deploy/secrets").iterdir()} == set(recipe.compose()["secrets"])
    assert {path.name for path in (machine.backups / "2026-11-22").iterdir()} == {"database.dump", "files.tar.gz", "manifest.json"}
    assert {path.name for path in (machine.backups / "2026-11-22.keys").iterdir()} == {"secrets.json", "patient_keys.dump"}
    assert "all seals fit" in of("run.py restore")
    assert "The registry is running." in of("up --data /srv/rtms-new")
    assert of("upgrade_database") == "Nothing to do: the database is of this release's PostgreSQL.\n"


COMPOSE_LINES = [line for page in PAGES for line in commands(page) if kind_of(line) == "compose"]


@pytest.mark.parametrize("line", sorted(set(COMPOSE_LINES)))
def test_line_for_compose_names_what_is_there(line):
    """The services, their commands and those commands' options; the file itself is held to the specification elsewhere."""
    verb, *words = shlex.split(line)[2:]
    assert verb in COMPOSE
    words = [word for word in words if word not in COMPOSE[verb]]
    while "--volume" in words:
        at = words.index("--volume")
        assert re.fullmatch(r"/(backups|keys):/\1(:ro)?", words[at + 1])
        del words[at : at + 2]
    assert not [word for word in words[:1] if word.startswith("-")]
    if verb in ("build", "up"):
        assert set(words) <= set(recipe.compose()["services"])
        return
    service, *command = words
    assert service in recipe.OURS
    if verb == "exec":  # the image's entry point is not in front of it
        entry = next(step for step in recipe.steps() if step.word == "ENTRYPOINT").words()
        assert command[: len(entry)] == entry
        command = command[len(entry) :]
    parser = load_command_class("registry", command[0]).create_parser("manage.py", command[0])
    parser.parse_args(command[1:])


def test_owners_commands_run_where_the_owners_login_is():
    """Backing up and restoring takes the owner of the tables; no other service holds that login."""
    for line in COMPOSE_LINES:
        if " backup " in line or " restore " in line:
            assert "migrate" in shlex.split(line)
            assert "database_owner" in recipe.compose()["services"]["migrate"]["secrets"]

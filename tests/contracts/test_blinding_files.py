"""Every file and every output of a command: equal bytes for a masked person whatever the concealed parts. A new command fails."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.db import transaction

from registry.roles import ROLES
from tests import cluster
from tests.contracts.frozen_world import frozen_world
from tests.contracts.logins import connect, speaking_to
from tests.contracts.scene import NOW, REPORT_WEEK, SLUG
from tests.contracts.worlds import DEALS, make_world

MASKED = [code for code, role in ROLES.items() if role.masked]
FOLDER, IMPORTED = "{folder}", "{imported}"
AS, BY = ("--as", "{who}"), ("--by", "{who}")
OUTCOMES = tuple(("outcomes", SLUG, "--no-refresh", "--format", form, *AS) for form in ("text", "json", "csv"))
CLOSED_OUTCOMES = ("outcomes", SLUG, "--no-refresh", "--closed", *AS)
ISSUED = ("report", SLUG, "--week", REPORT_WEEK, "--number", "1", *AS)
# Command lines by the command's name, each asked as every masked person; {folder} is a new directory whose files are compared.
COMPARED: dict[str, tuple[tuple[str, ...], ...]] = {
    "outcomes": (*OUTCOMES, CLOSED_OUTCOMES),
    "export_trial": (("export_trial", SLUG, FOLDER, *AS),),
    "import_trial": (("import_trial", IMPORTED, "--dry-run", *AS), ("import_trial", IMPORTED, "--dry-run", "--json", *AS)),
    "allocate": tuple(("allocate", SLUG, patient, "--stratum", "site=N", *BY) for patient in ("P-0099", "P-0001")),
    "make_allocation_list": (("make_allocation_list", SLUG, *BY, "--ratio", "m1-active=1", "m1-sham=1"),),
    "report": (ISSUED, *((*ISSUED, *more) for more in (("--format", "html"), ("--format", "json"), ("--closed",), ("--verify",)))),
    "verify_audit": (("verify_audit",),),
}
# Commands that tell nothing of a trial.
TELL_NOTHING = {
    "add_account": "makes an account",
    "backup": "copies everything for whoever holds the machine, and prints numbers of tables and rows",
    "check_all": "checks the code",
    "ensure_accounts": "makes the first accounts of an empty registry",
    "migrate": "changes tables",
    "restore": "fills an empty database, and prints numbers of tables and rows",
    "serve": "starts one process",
    "up": "starts processes",
    "upgrade_database": "moves the files of the database, and prints numbers of tables and rows",
    "write_reference": "writes pages about the code",
}


@pytest.fixture(scope="module")
def worlds(bare_scene: str, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """Return databases of this module's own, for commands commit."""
    deals = {"as_allocated": None, **DEALS}
    names = {world: f"{bare_scene}_{world}_files" for world in deals}
    with django_db_blocker.unblock():
        for world, deal in deals.items():
            make_world(bare_scene, names[world], deal)
    yield names
    for name in names.values():
        cluster.drop_database(name)


@pytest.fixture(autouse=True)
def _unblocked(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def imported(worlds: dict[str, str], django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as a masked data manager exported it."""
    folder = tmp_path_factory.mktemp("imported") / "folder"
    with django_db_blocker.unblock(), speaking_to(worlds["as_allocated"], role="worker"):
        call_command("export_trial", SLUG, str(folder), "--as", "data_manager@example.org", stdout=StringIO())
    return folder


def told(world: str, line: tuple[str, ...], who: str, folder: Path, imported: Path) -> tuple[str, dict[str, bytes]]:
    """Return what a command prints in a world, with how it ends, and the files it writes; records are rolled back."""
    out = StringIO()
    places = {FOLDER: str(folder), IMPORTED: str(imported), "{who}": f"{who}@example.org"}
    words = [places.get(word, word) for word in line]
    with speaking_to(world, role="worker"), transaction.atomic(), frozen_world(NOW, f"{line} {who}"):
        try:
            call_command(*words, stdout=out, stderr=out)
        except CommandError as error:
            out.write(f"refused: {error}")
        except SystemExit as end:
            out.write(f"exit {end.code}")
        transaction.set_rollback(True)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return out.getvalue().replace(str(folder), FOLDER), files


def test_every_command_is_compared_or_tells_nothing():
    ours = {name for name, app in get_commands().items() if app in ("registry", "web", "api")}
    assert ours == set(COMPARED) | set(TELL_NOTHING)


@pytest.mark.parametrize("command", COMPARED)
def test_what_a_command_tells_a_masked_person_is_equal(worlds, imported, tmp_path, command):
    for number, line in enumerate(COMPARED[command]):
        for who in MASKED if any("{who}" in word for word in line) else ["operator"]:
            answers = {world: told(name, line, who, tmp_path / f"{number}-{who}-{world}", imported) for world, name in worlds.items()}
            for world in DEALS:
                assert answers[world] == answers["as_allocated"], f"{' '.join(line)} as {who}"


def test_masked_export_has_rows_and_nothing_concealed(worlds, imported):
    files = {path.name: path.read_text() for path in imported.iterdir()}
    assert {"trial.toml", "patients.csv", "pain_scores.csv", "motor_thresholds.csv", "sessions.csv", "adverse_events.csv"} <= set(files)
    assert not {"arms.csv", "allocations.csv"} & set(files)
    with connect("unmasked", worlds["as_allocated"]) as unmasked:
        words = {word for row in unmasked.execute("SELECT code, label FROM closed.arm").fetchall() for word in row}
        kits = {code for (code,) in unmasked.execute("SELECT code FROM closed.kit WHERE enrolment_id IS NULL").fetchall()}
    text = "".join(files.values())
    assert [word for word in words | kits if word in text] == []


def test_masked_people_are_refused_what_shows_arms(worlds, imported, tmp_path):
    for who in MASKED:
        text, _ = told(
            worlds["as_allocated"], ("outcomes", SLUG, "--no-refresh", "--closed", "--as", "{who}"), who, tmp_path / who, imported
        )
        assert text.startswith("refused: "), (who, text)


def test_unmasked_export_differs_between_the_worlds(worlds, imported, tmp_path):
    line = COMPARED["export_trial"][0]
    written = {world: told(name, line, "unmasked_statistician", tmp_path / world, imported)[1] for world, name in worlds.items()}
    assert len({files["allocations.csv"] for files in written.values()}) == 3
    assert len({files["pain_scores.csv"] for files in written.values()}) == 1


def test_audit_check_finds_nothing_in_any_world(worlds, imported, tmp_path):
    """So that its equality is not that of three complaints."""
    for world, name in worlds.items():
        text, _ = told(name, ("verify_audit",), "operator", tmp_path / world, imported)
        assert "Nothing was tampered with" in text, text


def test_commands_that_are_compared_really_answer(worlds, imported, tmp_path):
    def answer(line: tuple[str, ...], who: str) -> str:
        return told(worlds["as_allocated"], line, who, tmp_path / who / line[0], imported)[0]

    assert answer(COMPARED["allocate"][0], "coordinator").startswith("K-")
    assert "can be imported" in answer(COMPARED["import_trial"][0], "data_manager")
    assert "withheld" in answer(OUTCOMES[0], "principal_investigator")

"""import_trial and export_trial as a person types them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from registry.models import ActLog, Change, Trial
from tests.interchange.folders import PATIENTS, SCORES, contents, write_folder


def run(*arguments: str) -> str:
    """Return what a command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "calm", patients=PATIENTS, pain_scores=SCORES)


def test_a_dry_run_says_that_it_was_one(committed_db: None, admin: Any, folder: Path) -> None:
    printed = run("import_trial", str(folder), "--dry-run").splitlines()
    assert printed[-1] == "Dry run: nothing was written. The folder can be imported."
    assert printed[3].split() == ["pain_scores.csv", "3", "3", "0", "0", "0", "0", "0"]
    assert not Trial.objects.exists()


def test_the_only_account_need_not_be_named(committed_db: None, admin: Any, folder: Path) -> None:
    assert "manage.py outcomes calm-m1" in run("import_trial", str(folder)).splitlines()[-1]
    assert Change.objects.order_by("-at")[0].actor_id == admin.pk


def test_one_of_several_accounts_must_be_named(committed_db: None, admin: Any, eve: Any, folder: Path) -> None:
    with pytest.raises(CommandError, match="Say who you are: --as"):
        run("import_trial", str(folder))
    with pytest.raises(CommandError, match=r"no account bob@example\.org"):
        run("import_trial", str(folder), "--as", "bob@example.org")
    run("import_trial", str(folder), "--as", "Admin@Example.org")
    assert ActLog.objects.get(act="import").actor_id == admin.pk


def test_problems_end_with_exit_code_1(committed_db: None, admin: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path / "f", patients=[*PATIENTS, {"patient": "P-03", "site": "Q"}])
    with pytest.raises(SystemExit) as ended:
        call_command("import_trial", str(folder))
    assert ended.value.code == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "patients.csv, line 4, site: 'Q' is no site of the trial. Use one of: N, S.",
        "Nothing was imported: 1 problems. Correct them and run the command again.",
    ]


def test_the_report_as_json(committed_db: None, admin: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path / "f")
    (folder / "patients.csv").write_bytes(b"patient,site\nP-\xff,N\n")
    with pytest.raises(SystemExit):
        call_command("import_trial", str(folder), "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["imported"], report["problem_count"], report["tables"][1]["problems"]) == (False, 1, 1)
    assert report["problems"][0] == {
        "file": "patients.csv",
        "line": 2,
        "column": "patient",
        "value": "P-?",
        "wrong": "holds bytes that are no readable text",
        "right": "Save the file as UTF-8",
    }


def test_a_correction_without_a_reason_is_announced_by_the_dry_run(committed_db: None, admin: Any, folder: Path) -> None:
    run("import_trial", str(folder))
    write_folder(folder, pain_scores=[{**SCORES[0], "value": "9"}])
    assert run("import_trial", str(folder), "--dry-run").splitlines()[-1].endswith('Rows on record would change; give --reason "..." then.')
    with pytest.raises(SystemExit):
        run("import_trial", str(folder))
    run("import_trial", str(folder), "--reason", "read again from the paper form")


def test_a_refusal_is_one_sentence(committed_db: None, admin: Any, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"does not exist\. Name the directory or zip that holds trial\.toml\."):
        run("import_trial", str(tmp_path / "nowhere"))
    with pytest.raises(CommandError, match="no trial 'calm' among those you can see"):
        run("export_trial", "calm", str(tmp_path / "out"))


def test_what_was_imported_is_exported(committed_db: None, admin: Any, folder: Path, tmp_path: Path) -> None:
    run("import_trial", str(folder))
    assert run("export_trial", "calm-m1", str(tmp_path / "out")).splitlines() == [
        "trial.toml",
        "patients.csv                2 rows",
        "pain_scores.csv             3 rows",
    ]
    assert set(contents(tmp_path / "out")) == {"trial.toml", "patients.csv", "pain_scores.csv"}
    with pytest.raises(CommandError, match="not empty"):
        run("export_trial", "calm-m1", str(tmp_path / "out"))

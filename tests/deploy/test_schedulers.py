"""Two schedules and two workers, as processes, on one database and broker: each week's report is made once, and missed weeks once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.servers import Deployment, servers, until
from tests.interchange.folders import PATIENTS, SCORES, write_folder
from tests.interchange.folders import TRIAL as FOLDER

pytestmark = pytest.mark.slow_services
SCHEDULES, WORKERS = ("beat-1", "beat-2"), ("worker-1", "worker-2")
ASKED = "Sending due task reports"
# Every time on record, in the history too, so that the registry stands as after a pause of so many weeks.
EARLIER = """
DO $$ DECLARE one record; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT format('%I.%I', table_schema, table_name) AS name,
                      string_agg(format('%1$I = %1$I - interval ''{weeks} weeks''', column_name), ', ') AS moved
               FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
               WHERE table_schema IN ('public', 'closed') AND table_type = 'BASE TABLE' AND data_type = 'timestamp with time zone'
               GROUP BY 1
    LOOP EXECUTE format('UPDATE %s SET %s', one.name, one.moved); END LOOP;
    UPDATE registry_weeklyreport SET week = to_char(to_date(week, 'IYYY"-W"IW') - interval '{weeks} weeks', 'IYYY"-W"IW');
END $$"""
DAY = "SET session_replication_role = replica; UPDATE registry_trial SET conduct = 'prospective', report_day = '{day}', report_hour = 0"


@pytest.fixture
def at() -> Iterator[Deployment]:
    with servers(RTMS_REPORT_INTERVAL_S="1") as deployment:
        yield deployment
        sys.stdout.write(deployment.said())


def start_all(at: Deployment) -> None:
    for name in (*WORKERS, *SCHEDULES):
        at.more["WORKER_NAME"] = name
        service, _, number = name.partition("-")
        at.start(name, [*at.command(service)], {**at.variables(service), "RTMS_DATA": str(folder_of(at, number))})


def folder_of(at: Deployment, number: str) -> Path:
    """Return a data directory: two schedules keep their own notes."""
    made = at.directory / f"files-{number}"
    made.mkdir(exist_ok=True)
    return made


def stop_all(at: Deployment) -> None:
    for name in (*SCHEDULES, *WORKERS):
        at.stop_one(name)


def ask(at: Deployment, statement: str) -> list[str]:
    done = at.psql("rtms_bootstrap", statement)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def made(at: Deployment) -> list[str]:
    return ask(at, "SELECT week || ',' || version || ',' || state || ',' || by_schedule FROM registry_weeklyreport ORDER BY week, version")


def times_asked(at: Deployment) -> int:
    """Return how often the schedule that asked less often has asked."""
    return min((at.logs / f"{name}.log").read_text(errors="replace").count(ASKED) for name in SCHEDULES)


def both_have_asked_again(at: Deployment) -> None:
    before = times_asked(at)
    until(lambda: times_asked(at) >= before + 3)


def everything_is_done(at: Deployment) -> bool:
    return ask(at, "SELECT count(*) FROM registry_job WHERE state IN ('queued', 'running')") == ["0"]


def test_each_week_is_reported_once_and_missed_weeks_are_caught_up_once(at: Deployment, tmp_path: Path) -> None:
    added = at.manage("add_account", "ada@example.org", "administrator", "--name", "Ada Admin", service="web")
    assert added.returncode == 0, added.stderr
    folder = write_folder(tmp_path / "folder", FOLDER, patients=PATIENTS, pain_scores=SCORES)
    imported = at.manage("import_trial", str(folder), "--as", "ada@example.org")
    assert imported.returncode == 0, imported.stderr
    ask(at, DAY.format(day="none"))
    start_all(at)
    until(lambda: ask(at, "SELECT count(*) FROM registry_snapshot") != ["0"] and everything_is_done(at))
    stop_all(at)

    # The time comes while both schedules look.
    ask(at, EARLIER.format(weeks=1))
    start_all(at)
    both_have_asked_again(at)
    assert made(at) == []
    ask(at, DAY.format(day="monday"))
    until(lambda: len(made(at)) > 0 and all(",made," in row for row in made(at)))
    both_have_asked_again(at)
    until(lambda: everything_is_done(at))
    [first] = made(at)
    assert first.endswith(",1,made,true")
    assert ask(at, "SELECT count(*) FROM registry_job WHERE kind = 'report'") == ["1"]
    assert sorted(ask(at, "SELECT worker FROM registry_workerheartbeat"))[0].startswith("worker-1@")
    assert len(ask(at, "SELECT worker FROM registry_workerheartbeat")) == 2
    stop_all(at)
    assert ask(at, "SELECT count(*) FROM registry_workerheartbeat") == ["0"]

    # Three weeks later everything is started again.
    ask(at, EARLIER.format(weeks=3))
    start_all(at)
    until(lambda: len(made(at)) >= 4 and all(",made," in row for row in made(at)))
    both_have_asked_again(at)
    until(lambda: everything_is_done(at))
    found = made(at)
    assert [row.split(",")[1:] for row in found] == [["1", "made", "true"]] * 4
    assert len({row.split(",")[0] for row in found}) == 4
    # The last of them may be asked for within an hour of its time; the others are late in any case and say so.
    of_report = "registry_reportdocument d JOIN registry_weeklyreport r ON r.id = d.report_id"
    late = f"SELECT week FROM {of_report} WHERE html LIKE '%This report is late%'"
    assert {row.split(",")[0] for row in found[1:3]} <= set(ask(at, late))
    assert ask(at, "SELECT count(*) FROM closed.report_document") == ["4"]

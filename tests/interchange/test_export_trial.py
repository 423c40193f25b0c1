"""Taking a trial out: what is left out for whom, and where it may be written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from registry.exceptions import Conflict, NotAllowed, NotFound
from registry.interchange.export_queries import QUERIES
from registry.interchange.exporter import ExportedFile, take_out
from registry.interchange.import_report import ImportReport
from registry.models import ActLog, Trial, User
from registry.rules.tables.definitions import TABLES
from registry.services import accounts
from tests.interchange.folders import ARMS, PATIENTS, SCORES, contents, read_table, write_folder


@pytest.fixture
def imported(bring: Callable[..., ImportReport], tmp_path: Path) -> Trial:
    allocations = [{"patient": "P-01", "arm": "sham"}, {"patient": "P-02", "arm": "active"}]
    bring(write_folder(tmp_path / "f", arms=ARMS, patients=PATIENTS, allocations=allocations, pain_scores=SCORES))
    return Trial.objects.get()


@pytest.fixture
def person(imported: Trial, setup_actor: Any) -> Callable[..., User]:
    def make(role: str, site: str = "") -> User:
        user = accounts.create_user(email=f"{role}{site.lower()}@example.org", name=role, password="correct horse battery", by=setup_actor)
        at = imported.sites.get(code=site) if site else None
        accounts.add_membership(user=user, role=role, trial=imported, site=at, by=setup_actor, valid_from=date(2026, 1, 1))
        return user

    return make


def test_every_table_has_a_query_with_its_columns() -> None:
    assert {query.table for query in QUERIES} == set(TABLES)
    for query in QUERIES:
        assert tuple(query.cells) == query.table.names


def test_a_masked_export_has_neither_file_nor_word_of_arms(person: Callable[..., User], tmp_path: Path) -> None:
    files = take_out("calm-m1", tmp_path / "out", by=person("data_manager"))
    assert files == [ExportedFile("trial.toml", 0), ExportedFile("patients.csv", 2), ExportedFile("pain_scores.csv", 3)]
    assert set(contents(tmp_path / "out")) == {"trial.toml", "patients.csv", "pain_scores.csv"}


def test_a_masked_export_is_the_same_whoever_got_what(person: Callable[..., User], tmp_path: Path, owner_connection: Any) -> None:
    manager = person("data_manager")
    take_out("calm-m1", tmp_path / "one", by=manager)
    owner_connection.execute("ALTER TABLE closed.allocation DISABLE TRIGGER USER")
    owner_connection.execute("UPDATE closed.allocation c SET arm_id = (SELECT a.id FROM closed.arm a WHERE a.id <> c.arm_id)")
    take_out("calm-m1", tmp_path / "two", by=manager)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_unmasked_statistician_takes_arms_along(person: Callable[..., User], tmp_path: Path) -> None:
    take_out("calm-m1", tmp_path / "out", by=person("unmasked_statistician"))
    assert [(row["patient"], row["arm"]) for row in read_table(tmp_path / "out" / "allocations.csv")] == [
        ("P-01", "sham"),
        ("P-02", "active"),
    ]
    assert ActLog.objects.get(act="export").detail == {"with_allocations": True}


def test_a_site_takes_its_own_patients(person: Callable[..., User], tmp_path: Path) -> None:
    take_out("calm-m1", tmp_path / "out", by=person("data_manager", site="S"))
    assert [row["patient"] for row in read_table(tmp_path / "out" / "patients.csv")] == ["P-02"]
    assert [row["patient"] for row in read_table(tmp_path / "out" / "pain_scores.csv")] == ["P-02"]


def test_a_researcher_takes_no_values_after_allocation_while_the_trial_runs(
    bring: Callable[..., ImportReport], person: Callable[..., User], tmp_path: Path
) -> None:
    researcher = person("researcher")
    Trial.objects.all()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT conduct FROM registry_trial")
        assert cursor.fetchone() == ("retrospective",)
    take_out("calm-m1", tmp_path / "out", by=researcher)
    assert len(read_table(tmp_path / "out" / "pain_scores.csv")) == 3


def test_a_corrected_value_is_taken_out_and_not_the_old_one(
    bring: Callable[..., ImportReport], imported: Trial, admin: Any, tmp_path: Path
) -> None:
    bring(write_folder(tmp_path / "f", pain_scores=[{**SCORES[0], "value": "8"}]), reason="read again from paper")
    take_out("calm-m1", tmp_path / "out", by=User.objects.get(pk=admin.pk))
    assert [row["value"] for row in read_table(tmp_path / "out" / "pain_scores.csv")] == ["8", "3.5", "6"]


def test_who_may_not_export_is_refused(person: Callable[..., User], tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match=r"data\.export"):
        take_out("calm-m1", tmp_path / "out", by=person("coordinator"))
    assert not (tmp_path / "out").exists()


def test_a_trial_of_others_is_not_found(imported: Trial, setup_actor: Any, tmp_path: Path) -> None:
    eve = accounts.create_user(email="eve@example.org", name="Eve", password="correct horse battery", by=setup_actor)
    with pytest.raises(NotFound, match="no trial 'calm-m1' among those you can see"):
        take_out("calm-m1", tmp_path / "out", by=eve)


def test_a_directory_with_something_in_it_is_left_alone(person: Callable[..., User], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="not empty"):
        take_out("calm-m1", tmp_path / "out", by=person("data_manager"))
    assert contents(tmp_path / "out") == {"thesis.txt": b"years of work"}

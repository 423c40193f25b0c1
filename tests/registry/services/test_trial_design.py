"""A process keeps a trial's design only while it stands: every kind of change counts at the very next request, whoever made it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from registry.models import (
    AnalysisPlan,
    Coil,
    CoilConversion,
    DesignVersion,
    PrescribedBlock,
    Prescription,
    ProtocolVersion,
    Scale,
    Site,
    Stimulator,
    VisitType,
)
from registry.services.auditing import audited
from registry.services.trial_design import TrialDesign, current_token, design_of
from tests import cluster
from tests.registry.services.stimulation_scene import add_coil, prescribe

ROOT = cluster.ROOT
Change = Callable[[Any], Any]


def standing(trial: Any) -> TrialDesign:
    return design_of(trial, current_token(trial))


def add_factor(trial: Any, factor: Decimal = Decimal("0.9")) -> None:
    CoilConversion.objects.create(trial=trial, from_model="A", to_model="B", factor=factor, source="measured")


CHANGES: dict[str, tuple[Change, Callable[[TrialDesign], Any]]] = {
    "site": (lambda trial: Site.objects.create(trial=trial, code="W", name="West"), lambda found: {one.code for one in found.sites}),
    "site's zone": (
        lambda trial: Site.objects.filter(trial=trial, code="N").update(time_zone="Asia/Tokyo"),
        lambda found: {one.code: one.time_zone for one in found.sites},
    ),
    "protocol version": (
        lambda trial: ProtocolVersion.objects.create(trial=trial, version="9", effective_from=date(2026, 11, 1)),
        lambda found: (found.versions, found.in_effect),
    ),
    "prescription": (
        lambda trial: Prescription.objects.filter(protocol_version__trial=trial).update(received_percent=70),
        lambda found: [one.received_percent for one in found.prescriptions.values()],
    ),
    "prescribed block": (
        lambda trial: PrescribedBlock.objects.filter(prescription__protocol_version__trial=trial).update(trains=31),
        lambda found: [block.trains for one in found.prescriptions.values() for block in one.blocks.all()],
    ),
    "stimulator": (lambda trial: Stimulator.objects.create(trial=trial, code="S9", model="M"), lambda found: set(found.stimulators)),
    "coil": (lambda trial: Coil.objects.create(trial=trial, code="C9", model="B", shape="figure_8"), lambda found: set(found.coils)),
    "coil retired": (
        lambda trial: Coil.objects.filter(trial=trial).update(retired_on=date(2026, 11, 1)),
        lambda found: [one.retired_on for one in found.coils.values()],
    ),
    "conversion": (add_factor, lambda found: found.factors),
    "visit": (
        lambda trial: VisitType.objects.create(trial=trial, code="W99", label="Week 99", position=99),
        lambda found: set(found.visits),
    ),
    "scale": (
        lambda trial: Scale.objects.filter(trial=trial).update(maximum=11),
        lambda found: [one.maximum for one in found.scales],
    ),
    "plan": (
        lambda trial: AnalysisPlan.objects.filter(trial=trial).update(pain="primary"),
        lambda found: None if found.plan is None else found.plan.pain,
    ),
}


@pytest.fixture
def designed(trial: Any, setup_actor: Any) -> Any:
    prescribe(trial, setup_actor)
    add_coil(trial, setup_actor, "C1", "A")
    return trial


@pytest.mark.django_db
def test_what_stands_is_read_once(designed):
    first = standing(designed)
    token = current_token(designed)
    with CaptureQueriesContext(connection) as statements:
        assert design_of(designed, token) is first
    assert len(statements) == 0


class Undone(Exception):
    """Takes back what was done."""


@pytest.mark.django_db
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_counts_at_once_and_undone_it_never_did(designed, setup_actor, name):
    change, said = CHANGES[name]
    before = said(standing(designed))
    with suppress(Undone), audited(by=setup_actor, reason="changed"):
        change(designed)
        assert said(standing(designed)) != before
        raise Undone
    assert said(standing(designed)) == before
    with audited(by=setup_actor, reason="changed"):
        change(designed)
    assert said(standing(designed)) != before


@pytest.mark.django_db
def test_every_table_of_the_design_renews_the_token(designed):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'renew_design'")
        found = {name for (name,) in cursor.fetchall()}
    with CaptureQueriesContext(connection) as statements:
        design_of(designed, None)
    read = {table for query in statements for table in re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])}
    assert read == found - {"registry_treatment"}


def test_what_is_taken_away_is_gone_at_once(owner_connection, designed):
    assert len(next(iter(standing(designed).prescriptions.values())).blocks.all()) == 1
    owner_connection.execute("DELETE FROM registry_prescribedblock")
    owner_connection.commit()
    assert len(next(iter(standing(designed).prescriptions.values())).blocks.all()) == 0


@pytest.mark.django_db
def test_other_trials_keep_theirs(designed, other_trial, setup_actor):
    other = standing(other_trial)
    with audited(by=setup_actor, reason="changed"):
        add_factor(designed)
    assert standing(other_trial) is other


@pytest.mark.django_db
def test_a_trial_without_a_token_is_read_each_time(designed):
    assert design_of(designed, None) is not design_of(designed, None)


@pytest.mark.django_db
def test_no_application_role_writes_tokens(designed):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        DesignVersion.objects.filter(trial=designed).update(token="00000000-0000-4000-8000-000000000001")


ELSEWHERE = """
import django; django.setup()
from registry.models import Scale, system_actor
from registry.services.auditing import audited
with audited(by=system_actor("setup"), reason="changed elsewhere"):
    assert Scale.objects.filter(trial__slug="calm-m1").update(maximum=12) == 1
"""


def test_a_change_by_another_process_counts_at_the_very_next_question(committed_db, trial):
    assert [scale.maximum for scale in standing(trial).scales] == [10]
    variables = {**os.environ, "RTMS_DB_NAME": str(settings.DATABASES["default"]["NAME"]), "DJANGO_SETTINGS_MODULE": "registry.settings"}
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [scale.maximum for scale in standing(trial).scales] == [12]

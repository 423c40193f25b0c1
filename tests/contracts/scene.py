"""A masked trial as it stands after some weeks: arms, list, allocations, diaries, and a person in every role.

Written through the services where a service matters, and committed, so that both aliases and other processes see it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from registry.models import Disposition, Enrolment, PainScore, Trial, User, system_actor
from registry.roles import ROLES
from registry.services import accounts, allocation
from registry.services.allocation import NewArm
from registry.services.auditing import audited
from registry.services.identity import Identity, store_identity
from registry.services.scores import Reason, correct_score, void_score
from tests.contracts.scene_sessions import write_sessions
from tests.contracts.scene_uploads import write_uploads
from tests.contracts.scene_voided import GONE_PATIENT, void_rows
from tests.trials import ENROLLED_ON, make_enrolment, make_trial

NOW = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)
ALLOCATED_AT = datetime(2026, 10, 19, 8, 0, tzinfo=UTC)
ARMS = (
    NewArm("m1-active", "M1, active coil", "m1", "active"),
    NewArm("m1-sham", "M1, sham coil", "m1", "sham"),
    NewArm("dlpfc-active", "DLPFC, active coil", "dlpfc", "active"),
    NewArm("dlpfc-sham", "DLPFC, sham coil", "dlpfc", "sham"),
)
RATIO = tuple((arm.code, 1) for arm in ARMS)
SEED = "0123456789abcdef0123456789abcdef"
STRATA = ("site=N", "site=S")
SLUG, OTHER_SLUG = "calm-m1", "other-1"
# The week of NOW; its report is made beside the outcomes.
REPORT_WEEK = "2026-W47"
DAYS = (*range(-7, 0), *range(1, 29))
NORTH, SOUTH = range(1, 9), range(9, 17)
# Roles whose holders the scene has at single sites beside the trial-wide ones.
ADMINISTRATOR = "administrator"


def prepare_list(trial: Trial, by: User, *, length: int = 24) -> None:
    """Define two strands of active and sham and draw the trial's list, one stratum a site."""
    allocation.define_arms(trial=trial, arms=ARMS, by=by)
    allocation.generate_list(trial=trial, strata=STRATA, ratio=RATIO, block_sizes=[4, 8], length=length, seed=SEED, by=by)


def make_patients(trial: Trial, count: int, *, site: str, by: User, first: int = 1) -> list[Enrolment]:
    """Return so many enrolled patients of one site, P-0001 and on."""
    return [make_enrolment(trial, f"P-{number:04d}", site=site, by=by) for number in range(first, first + count)]


def add_person(name: str, role: str, *, by: User, trial: Trial | None = None, site: str | None = None) -> User:
    """Return an account with one role."""
    user = accounts.create_user(email=f"{name}@example.org", name=name.replace("-", " ").title(), password="correct horse battery", by=by)
    add_role(user, role, by=by, trial=trial, site=site)
    return user


def add_role(user: User, role: str, *, by: User, trial: Trial | None = None, site: str | None = None) -> None:
    """Give an account one role more."""
    place = trial.sites.get(code=site) if trial is not None and site is not None else None
    accounts.add_membership(user=user, role=role, trial=trial, site=place, by=by, valid_from=date(2026, 1, 1))


def record_of(number: int, day: int) -> UUID:
    """Return the outward id of one patient's score of one day: the same in every scene."""
    return UUID(int=number * 1000 + day + 500)


def value_of(number: int, day: int) -> Decimal:
    """Return a score that falls after allocation by an amount that differs from patient to patient, whatever the arm."""
    fall = 0 if day < 0 else number % 6
    return Decimal(8 - fall - (day % 3 == 0))


def build() -> None:
    """Write the scene into the database that both aliases speak to."""
    setup = system_actor("setup")
    trial, other = make_trial(SLUG, by=setup), make_trial(OTHER_SLUG, by=setup)
    add_people(trial, other, setup)
    prepare_list(trial, person("unmasked_statistician"))
    patients = [
        *make_patients(trial, len(NORTH), site="N", by=setup),
        *make_patients(trial, len(SOUTH), site="S", by=setup, first=SOUTH.start),
    ]
    make_enrolment(trial, "P-0099", site="N", by=setup)
    make_enrolment(other, "P-0001", site="N", by=setup)
    for number, enrolment in enumerate(patients, start=1):
        write_diary(enrolment, number, setup)
        at = ALLOCATED_AT + timedelta(minutes=number)
        allocation.request_allocation(enrolment=enrolment, stratum=f"site={enrolment.site.code}", by=person("coordinator"), now=at)
    add_events(patients)
    write_sessions(patients[0], patients[len(NORTH)], person("data_manager"), NOW)
    write_uploads(trial, person("data_manager"), person("unmasked_statistician"), NOW - timedelta(hours=1))
    void_rows(patients[0], make_enrolment(trial, GONE_PATIENT, site="N", by=setup), person("data_manager"), NOW - timedelta(days=1))


def person(name: str) -> User:
    """Return one of the scene's people: by role, or `northerner`, `southerner`, `stranger`, `former`."""
    return User.objects.get(email=f"{name}@example.org")


def add_people(trial: Trial, other: Trial, setup: User) -> None:
    """Make one person for each role in the whole trial, and those who may see only a part of it, or nothing."""
    for code in ROLES:
        add_person(code, code, by=setup, trial=None if code == ADMINISTRATOR else trial)
    for name, site in (("northerner", "N"), ("southerner", "S")):
        local = add_person(name, "operator", by=setup, trial=trial, site=site)
        for role in ("coordinator", "data_manager", "monitor", "principal_investigator"):
            add_role(local, role, by=setup, trial=trial, site=site)
    stranger = add_person("stranger", "coordinator", by=setup, trial=other)
    for role in ("data_manager", "unmasked_statistician", "principal_investigator"):
        add_role(stranger, role, by=setup, trial=other)
    former = add_person("former", "coordinator", by=setup, trial=trial)
    accounts.end_membership(former.memberships.get(), by=person(ADMINISTRATOR), today=date(2026, 10, 1))


def write_diary(enrolment: Enrolment, number: int, by: User) -> None:
    """Store a diary value for each day around allocation."""
    scale = enrolment.trial.scales.get(code="NRS")
    with audited(by=by, reason="diaries"):
        PainScore.objects.bulk_create(diary_row(enrolment, scale.pk, number, day) for day in DAYS)


def diary_row(enrolment: Enrolment, scale: int, number: int, day: int) -> PainScore:
    """Return one diary value."""
    for_date = ENROLLED_ON + timedelta(days=day)
    at = datetime(for_date.year, for_date.month, for_date.day, 19, tzinfo=UTC)
    value = value_of(number, day)
    return PainScore(
        record=record_of(number, day), enrolment=enrolment, scale_id=scale, context="diary", recall="average_24h", source="diary",
        for_date=for_date, submitted_at=at, recorded_at=at, zone="Europe/Berlin", value=value, value_units=int(value * 10**6),
    )  # fmt: skip


def add_events(patients: list[Enrolment]) -> None:
    """Add what makes histories and tables interesting: a correction, a voiding, turns of the way, an identity."""
    first, second, third = patients[:3]
    operator, coordinator = person("operator"), person("coordinator")
    at = NOW - timedelta(days=2)
    correct_score(score_of(1, -2), value=Decimal(7), reason=Reason("typing_error"), by=operator, now=at)
    void_score(score_of(1, -3), reason=Reason("other", "entered for the wrong day"), by=operator, now=at)
    with audited(by=coordinator, reason="told at the visit"):
        Disposition.objects.create(enrolment=second, kind="stop_of_stimulation", happened_on=date(2026, 11, 2), reason="logistics")
        Disposition.objects.create(enrolment=third, kind="withdrawal_of_consent", happened_on=date(2026, 11, 5), reason="patient_wish")
    store_identity(first, Identity(name="Anna Muster", initials="AM"), by=coordinator)


def score_of(number: int, day: int) -> PainScore:
    """Return the current version of one score."""
    return PainScore.objects.get(record=record_of(number, day), ended_at=None)

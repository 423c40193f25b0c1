"""A masked trial as it stands after some weeks: arms, list, allocations. Written through the services."""

from __future__ import annotations

from datetime import UTC, date, datetime

from registry.models import Enrolment, Trial, User
from registry.services import accounts, allocation
from registry.services.allocation import NewArm
from tests.trials import make_enrolment

NOW = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)
ARMS = (
    NewArm("m1-active", "M1, active coil", "m1", "active"),
    NewArm("m1-sham", "M1, sham coil", "m1", "sham"),
    NewArm("dlpfc-active", "DLPFC, active coil", "dlpfc", "active"),
    NewArm("dlpfc-sham", "DLPFC, sham coil", "dlpfc", "sham"),
)
RATIO = tuple((arm.code, 1) for arm in ARMS)
SEED = "0123456789abcdef0123456789abcdef"
STRATA = ("site=N", "site=S")


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
    place = trial.sites.get(code=site) if trial is not None and site is not None else None
    accounts.add_membership(user=user, role=role, trial=trial, site=place, by=by, valid_from=date(2026, 1, 1))
    return user

"""The arms of a trial as the closed document names them: by letter until the trial is decoded (specification 2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from django.db.backends.base.base import BaseDatabaseWrapper

from registry.models import AnalysisPlan, Trial
from registry.vocabulary import TrialDesign


@dataclass(frozen=True)
class Arm:
    """One arm; `name` is its code, or its letter before decoding."""

    id: int
    code: str
    name: str
    shown_label: str


@dataclass(frozen=True)
class ArmTable:
    """Arms and the pairs compared, in the order they are printed."""

    arms: tuple[Arm, ...]
    contrasts: tuple[tuple[Arm, Arm], ...]
    coded: bool
    notes: tuple[str, ...] = ()


def read_arms(closed: BaseDatabaseWrapper, trial: Trial, plan: AnalysisPlan, *, coded: bool) -> ArmTable:
    """Return the trial's arms; of coded ones nothing in names, order or pairs depends on which arm is which."""
    with closed.cursor() as cursor:
        # Whichever order the arms were entered in, letters were drawn at random.
        order = "letter" if coded else "position"
        cursor.execute(f"SELECT id, code, label, letter FROM closed.arm WHERE trial_id = %s ORDER BY {order}", [trial.pk])
        rows = cursor.fetchall()
    if coded:
        arms = tuple(Arm(pk, code, letter, f"Arm {letter}") for pk, code, _, letter in rows)
    else:
        arms = tuple(Arm(pk, code, code, label) for pk, code, label, _ in rows)
    if trial.design == TrialDesign.COHORT:
        return ArmTable(arms, (), coded)
    if coded:
        # All pairs, alphabetically: the plan's own pairs and their direction would tell which arm is the comparator.
        return ArmTable(arms, tuple(combinations(arms, 2)), coded)
    return _planned(arms, plan)


def _planned(arms: tuple[Arm, ...], plan: AnalysisPlan) -> ArmTable:
    """Return the plan's contrasts, else each arm against the comparator; a pair that names no arm is noted, not guessed."""
    by_code = {arm.code: arm for arm in arms}
    pairs = list(_pairs(plan, [arm.code for arm in arms]))
    known = tuple((by_code[first], by_code[second]) for first, second in pairs if first in by_code and second in by_code)
    unknown = [pair for pair in pairs if not set(pair) <= set(by_code)]
    notes = tuple(f"The plan compares {first} with {second}, but the trial has no such arms." for first, second in unknown)
    return ArmTable(arms, known, coded=False, notes=notes)


def _pairs(plan: AnalysisPlan, codes: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of codes the plan compares, first minus second."""
    if plan.contrasts:
        for first, second in plan.contrasts:
            yield str(first), str(second)
    elif plan.comparator:
        yield from ((code, plan.comparator) for code in codes if code != plan.comparator)

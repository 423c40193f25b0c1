"""Sessions and adverse events by the arm whose part was received (specification 1, adverse events), each person in one line.

Kits tell what was received. Where none is on record, the arm allocated stands for it. Only what the closed room knew before the
cut-off counts: a late report is that of an allocation made since no more than one on time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from registry.closed_room import open_closed_room
from registry.models import Trial, system_actor
from registry.outcomes.arms import ArmTable
from registry.reports.conduct import Conducted, line, lines_of_others, listing
from registry.roles import Permission
from registry.selectors.report_payload import Conduct
from registry.vocabulary import Cohort

_KNOWN = """EXISTS (SELECT FROM closed.change_event noted WHERE noted.table_name = '{0}' AND noted.pgh_obj_id = {0}.id
    AND noted.pgh_label = 'insert' AND noted.pgh_created_at < %(cutoff)s)"""
_ALLOCATED = f"""
    SELECT allocation.enrolment_id, arm.id, arm.treatment_id FROM closed.allocation JOIN closed.arm ON arm.id = allocation.arm_id
    WHERE allocation.stage = 1 AND allocation.enrolment_id = ANY(%(enrolments)s) AND {_KNOWN.format("allocation")}
"""
_PARTS = (
    f"SELECT kit.code, kit.part FROM closed.kit WHERE kit.trial_id = %(trial)s AND kit.code = ANY(%(codes)s) AND {_KNOWN.format('kit')}"
)


@dataclass(frozen=True)
class _Concealed:
    """What the closed room holds of some patients: arm and treatment allocated, parts of kits, arms by part."""

    allocated: Mapping[int, tuple[int, int]]
    parts: Mapping[str, str]
    arms: Collection[tuple[int, str, int]]

    def arm_of(self, enrolment: int, part: str) -> int | None:
        """Return the arm with that part in the patient's own visible treatment, else the only one with it; None if that is unclear."""
        arms = [arm for arm in self.arms if arm[1] == part]
        own = [arm for arm in arms if enrolment in self.allocated and arm[2] == self.allocated[enrolment][1]]
        found = own or arms
        return found[0][0] if len(found) == 1 else None


def conduct_by_arm(trial: Trial, arms: ArmTable, found: Conducted, cutoff: datetime) -> Conduct:
    """Return a line for each arm, then for patients of several or none, then for the other cohorts; nothing is left out as too few.

    Each serious event is listed with the line of its person.
    """
    people = _people(trial, arms, found, cutoff)
    line_of = {who: Cohort(cohort).label for who, cohort in found.cohorts.items()}
    line_of |= {who: label for label, some in people.items() for who in some}
    pulses = not arms.coded
    own = [line(label, found, some, minimum=0, pulses=pulses) for label, some in people.items()]
    others = lines_of_others(found, minimum=0, pulses=pulses)
    return {"by_arm": True, "lines": [*own, *others], "serious": listing(found, line_of)}


def _people(trial: Trial, arms: ArmTable, found: Conducted, cutoff: datetime) -> dict[str, set[int]]:
    """Return the patients of each line: every arm has one, those of several or none where there are any."""
    patients = found.everybody - found.cohorts.keys()
    received = _received(trial, patients, found, cutoff)
    people = {arm.shown_label: {who for who, its in received.items() if its == arm.id} for arm in arms.arms}
    rest = {_("Several or unclear"): {who for who, arm in received.items() if arm is None}}
    rest[_("Not allocated")] = patients - received.keys()
    return people | {label: some for label, some in rest.items() if some}


def _received(trial: Trial, patients: Collection[int], found: Conducted, cutoff: datetime) -> dict[int, int | None]:
    """Return the arm each patient received, None for several or an unclear one; who has neither kit nor allocation is left out."""
    concealed = _read(trial, patients, found, cutoff)
    by_kit: dict[int, set[int | None]] = {}
    for enrolment, code in found.kits:
        if enrolment in patients and code in concealed.parts:
            by_kit.setdefault(enrolment, set()).add(concealed.arm_of(enrolment, concealed.parts[code]))
    allocated = {enrolment: arm for enrolment, (arm, _treatment) in concealed.allocated.items()}
    return allocated | {enrolment: arms.pop() if len(arms) == 1 else None for enrolment, arms in by_kit.items()}


def _read(trial: Trial, patients: Collection[int], found: Conducted, cutoff: datetime) -> _Concealed:
    asked: dict[str, Any] = {
        "trial": trial.pk,
        "enrolments": sorted(patients),
        "codes": sorted({code for _who, code in found.kits}),
        "cutoff": cutoff,
    }
    with ExitStack() as stack:
        room = open_closed_room(by=system_actor("scheduler"), permission=Permission.OUTCOMES_CLOSED, trial=trial)
        cursor: CursorWrapper = stack.enter_context(stack.enter_context(room).cursor())
        cursor.execute(_ALLOCATED, asked)
        allocated = {enrolment: (arm, treatment) for enrolment, arm, treatment in cursor.fetchall()}
        cursor.execute(_PARTS, asked)
        parts = dict(cursor.fetchall())
        cursor.execute("SELECT id, part, treatment_id FROM closed.arm WHERE trial_id = %(trial)s", asked)
        return _Concealed(allocated, parts, cursor.fetchall())

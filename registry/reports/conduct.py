"""How the trial was conducted until the cut-off: sessions and pulses, adverse events; of everybody, or by arm in the closed room."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from registry.models import Trial
from registry.selectors.report_payload import Events, Sessions
from registry.vocabulary import AdverseEventTerm, SessionStatus

# Before a prescription says otherwise.
RECEIVED_PERCENT = 80

_AT_CUTOFF = """
    e.trial_id = %(trial)s AND e.voided_at IS NULL AND e.cohort = 'patients'
    AND s.recorded_at < %(cutoff)s AND (s.ended_at IS NULL OR s.ended_at >= %(cutoff)s)
"""
_SESSIONS = f"""
    SELECT s.enrolment_id, s.status, s.pulses_delivered, s.pulses_planned, coalesce(p.received_percent, {RECEIVED_PERCENT})
    FROM registry_stimulationsession s JOIN registry_enrolment e ON e.id = s.enrolment_id
    LEFT JOIN registry_prescription p ON p.id = s.prescription_id WHERE {_AT_CUTOFF}
"""
_EVENTS = f"""
    SELECT s.enrolment_id, s.term, s.serious, count(*)
    FROM registry_adverseevent s JOIN registry_enrolment e ON e.id = s.enrolment_id WHERE {_AT_CUTOFF} GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Conducted:
    """Sessions (patient, status, pulses delivered, planned, received from percent) and events (patient, term, serious, how many)."""

    sessions: list[tuple[int, str, int, int | None, int]]
    events: list[tuple[int, str, bool, int]]

    def of(self, enrolments: Collection[int]) -> Conducted:
        """Keep those of some patients."""
        return Conducted([row for row in self.sessions if row[0] in enrolments], [row for row in self.events if row[0] in enrolments])


def read_conducted(trial: Trial, cutoff: datetime) -> Conducted:
    """Return what was on record before the cut-off."""
    asked: Mapping[str, Any] = {"trial": trial.pk, "cutoff": cutoff}
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS, asked)
        sessions = cursor.fetchall()
        cursor.execute(_EVENTS, asked)
        return Conducted(sessions, cursor.fetchall())


def sessions_of(found: Conducted) -> Sessions:
    """Count sessions and pulses."""
    planned = [row for row in found.sessions if row[3] and row[1] in (SessionStatus.GIVEN, SessionStatus.PARTIAL)]
    by_status = {status: sum(row[1] == status for row in found.sessions) for status in SessionStatus}
    return {
        "patients": len(_treated(found)),
        "given": by_status[SessionStatus.GIVEN],
        "partial": by_status[SessionStatus.PARTIAL],
        "not_given": by_status[SessionStatus.NOT_GIVEN],
        "missed": by_status[SessionStatus.MISSED],
        "with_plan": len(planned),
        "received": sum(100 * delivered >= percent * (plan or 0) for _, _, delivered, plan, percent in planned),
        "pulses_delivered": sum(row[2] for row in planned),
        "pulses_planned": sum(row[3] or 0 for row in planned),
    }


def events_of(found: Conducted, *, minimum: int) -> Events:
    """Count patients with events; where fewer than the minimum were treated only serious events are told."""
    treated = _treated(found)
    suppressed = 0 < len(treated) < minimum
    terms = {term: {row[0] for row in found.events if row[1] == term} & treated for term in AdverseEventTerm}
    serious = [row for row in found.events if row[2]]
    anybody = len({row[0] for row in found.events} & treated)
    return {
        "treated": len(treated),
        "suppressed": suppressed,
        "with_any": None if suppressed else anybody,
        "with_any_share": None if suppressed or not treated else anybody / len(treated),
        "before_treatment": 0 if suppressed else len({row[0] for row in found.events} - treated),
        "serious_events": sum(row[3] for row in serious),
        "serious_patients": len({row[0] for row in serious}),
        "terms": []
        if suppressed
        else [
            {"term": term.value, "label": term.label, "patients": len(who), "share": len(who) / len(treated)}
            for term, who in terms.items()
            if who
        ],
    }


def _treated(found: Conducted) -> set[int]:
    return {row[0] for row in found.sessions if row[2] > 0}

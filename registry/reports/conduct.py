"""How the trial was conducted until the cut-off: sessions and pulses, adverse events, of everybody or of some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from registry.models import Trial
from registry.selectors.report_payload import ConductLine, Events, SeriousEvent, Sessions
from registry.vocabulary import AdverseEventTerm, Cohort, EventOutcome, Relatedness, SeriousCriterion, SessionStatus

# Before a prescription says otherwise.
RECEIVED_PERCENT = 80

_AT_CUTOFF = """
    e.trial_id = %(trial)s AND e.voided_at IS NULL
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
_CRITERIA = {str(one): one.label for one in SeriousCriterion}
# Severe and worse by CTCAE; how few were treated hides no death (specification 2.6).
SEVERE = 3
_SEVERE = f"""
    SELECT DISTINCT s.enrolment_id FROM registry_adverseevent s JOIN registry_enrolment e ON e.id = s.enrolment_id
    WHERE {_AT_CUTOFF} AND s.grade >= {SEVERE}
"""
_DEATHS = f"""
    SELECT s.enrolment_id FROM registry_adverseevent s JOIN registry_enrolment e ON e.id = s.enrolment_id
    WHERE {_AT_CUTOFF} AND (s.grade = 5 OR 'death' = ANY(s.serious_criteria))
    UNION SELECT d.enrolment_id FROM registry_disposition d JOIN registry_enrolment e ON e.id = d.enrolment_id
    WHERE e.trial_id = %(trial)s AND e.voided_at IS NULL AND d.kind = 'death' AND d.voided_at IS NULL
"""
# Words of its own are part of the closed listing alone.
_SERIOUS = f"""
    SELECT s.enrolment_id, s.term, s.term_text, s.onset_on, s.grade, s.serious_criteria, s.relatedness, s.outcome
    FROM registry_adverseevent s JOIN registry_enrolment e ON e.id = s.enrolment_id
    WHERE {_AT_CUTOFF} AND s.serious ORDER BY s.onset_on, s.term, s.record
"""
_KITS = f"""
    SELECT DISTINCT s.enrolment_id, s.kit_code FROM registry_stimulationsession s JOIN registry_enrolment e ON e.id = s.enrolment_id
    WHERE {_AT_CUTOFF} AND s.kit_code <> '' AND s.pulses_delivered > 0
"""
_OTHER_COHORTS = """
    SELECT id, cohort FROM registry_enrolment WHERE trial_id = %(trial)s AND voided_at IS NULL AND cohort <> 'patients'
"""


class SeriousRow(NamedTuple):
    """One serious event on record, and whose it was."""

    enrolment: int
    term: str
    words: str
    onset: date
    grade: int
    criteria: list[str]
    relatedness: str
    outcome: str


@dataclass(frozen=True)
class Conducted:
    """Sessions (who, status, pulses delivered, planned, received from percent), events (who, term, serious, how many), and of whom.

    `kits` are who was stimulated with which kit, `cohorts` those who are no patients; `severe` and `deaths` are people.
    """

    sessions: list[tuple[int, str, int, int | None, int]]
    events: list[tuple[int, str, bool, int]]
    kits: list[tuple[int, str]]
    cohorts: dict[int, str]
    severe: frozenset[int] = frozenset()
    deaths: frozenset[int] = frozenset()
    serious: tuple[SeriousRow, ...] = ()

    @property
    def everybody(self) -> set[int]:
        """Return who has a session or an event, or died."""
        return {row[0] for row in self.sessions} | {row[0] for row in self.events} | self.deaths

    def of(self, enrolments: Collection[int]) -> Conducted:
        """Keep sessions and events of some."""
        sessions = [row for row in self.sessions if row[0] in enrolments]
        events = [row for row in self.events if row[0] in enrolments]
        return replace(
            self, sessions=sessions, events=events, severe=self.severe.intersection(enrolments), deaths=self.deaths.intersection(enrolments)
        )


def read_conducted(trial: Trial, cutoff: datetime) -> Conducted:
    """Return what was on record before the cut-off."""
    asked: Mapping[str, Any] = {"trial": trial.pk, "cutoff": cutoff}
    with connection.cursor() as cursor:
        found = [
            cursor.execute(query, asked).fetchall() for query in (_SESSIONS, _EVENTS, _KITS, _OTHER_COHORTS, _SEVERE, _DEATHS, _SERIOUS)
        ]
    sessions, events, kits, cohorts, severe, deaths, serious = found
    hurt, dead = (frozenset(who for (who,) in rows) for rows in (severe, deaths))
    return Conducted(sessions, events, kits, dict(cohorts), hurt, dead, tuple(SeriousRow(*row) for row in serious))


def listing(found: Conducted, line_of: Mapping[int, str] | None = None) -> list[SeriousEvent]:
    """Return the serious events one by one, by their first day; with lines, each with that of its person and with its own words."""
    return [
        {
            "term": row.term,
            "label": AdverseEventTerm(row.term).label,
            "words": row.words if line_of is not None else "",
            "onset": row.onset.isoformat(),
            "grade": row.grade,
            "criteria": [_CRITERIA.get(one, one) for one in row.criteria],
            "relatedness": Relatedness(row.relatedness).label,
            "outcome": EventOutcome(row.outcome).label,
            "line": line_of.get(row.enrolment, "") if line_of is not None else "",
        }
        for row in found.serious
    ]


def lines_of_cohorts(found: Conducted, *, minimum: int) -> Iterator[ConductLine]:
    """Yield patients, then each other cohort with a session or an event; patients alone are all there are."""
    others = list(lines_of_others(found, minimum=minimum))
    label = Cohort.PATIENTS.label if others else _("All")
    yield line(label, found, found.everybody - found.cohorts.keys(), minimum=minimum)
    yield from others


def lines_of_others(found: Conducted, *, minimum: int, pulses: bool = True) -> Iterator[ConductLine]:
    """Yield each cohort that is no patients' and has a session or an event."""
    for cohort in Cohort:
        if own := {who for who in found.everybody if found.cohorts.get(who) == cohort}:
            yield line(cohort.label, found, own, minimum=minimum, pulses=pulses)


def line(label: str, found: Conducted, enrolments: Collection[int], *, minimum: int, pulses: bool = True) -> ConductLine:
    """Return sessions and events of some."""
    own = found.of(enrolments)
    return {"label": label, "sessions": sessions_of(own, pulses=pulses), "events": events_of(own, minimum=minimum)}


def sessions_of(found: Conducted, *, pulses: bool) -> Sessions:
    """Count sessions and, where they may be told, pulses."""
    planned = [row for row in found.sessions if row[3] and row[1] in (SessionStatus.GIVEN, SessionStatus.PARTIAL)]
    by_status = {status: sum(row[1] == status for row in found.sessions) for status in SessionStatus}
    return {
        "patients": len(_treated(found)),
        "given": by_status[SessionStatus.GIVEN],
        "partial": by_status[SessionStatus.PARTIAL],
        "not_given": by_status[SessionStatus.NOT_GIVEN],
        "missed": by_status[SessionStatus.MISSED],
        "with_plan": len(planned),
        "received": sum(100 * delivered >= percent * (plan or 0) for _who, _status, delivered, plan, percent in planned),
        "percent_of_planned": _percent_of_planned(Counter((row[2], row[3] or 1) for row in planned)),
        "pulses_delivered": sum(row[2] for row in planned) if pulses else None,
        "pulses_planned": sum(row[3] or 0 for row in planned) if pulses else None,
    }


def _percent_of_planned(sessions: Counter[tuple[int, int]]) -> int | None:
    """Return the mean share of planned pulses of sessions, rounded down, so that 79.9 % is never told as 80 %."""
    if not sessions:
        return None
    shares = sum((Fraction(delivered, planned) * number for (delivered, planned), number in sessions.items()), Fraction(0))
    return int(100 * shares / sessions.total())


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
        "severe_patients": None if suppressed else len(found.severe),
        "deaths": len(found.deaths),
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

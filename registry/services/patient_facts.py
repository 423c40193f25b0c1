"""What is known of patients whose sessions are written: place, pains, allocation, protocol, thresholds; all in one statement."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet

from registry.closed_room import current_alias
from registry.models import MotorThreshold, Trial, User
from registry.postgresql.prepared import cursor_of
from registry.services.patient_codes import visible_enrolments
from registry.services.row_making import read_row
from registry.vocabulary import Side

# Of a threshold, what a session goes by. Whether it stands is a filter below: as a condition it makes PostgreSQL walk all that stand
# for each patient while thresholds of the same transaction are in no statistics yet (seen: 1 s for 8,500 of them).
THRESHOLD = ("id", "record", "enrolment_id", "kind", "percent_mso", "measured_on", "coil_id")
FACTS = """
SELECT e.patient_code, e.id, e.site_id, p.time_zone, e.protocol_version_id,
    (SELECT v.token FROM registry_designversion v WHERE v.trial_id = e.trial_id),
    (SELECT jsonb_object_agg(n.rank, jsonb_build_array(n.id, n.side)) FROM registry_enrolmentpain n
        WHERE n.enrolment_id = e.id AND n.voided_at IS NULL),
    (SELECT jsonb_build_array(a.treatment_id, a.kit_code) FROM registry_allocation a
        WHERE a.enrolment_id = e.id ORDER BY a.stage DESC LIMIT 1),
    (SELECT jsonb_agg(jsonb_build_array(f.valid_from, f.protocol_version_id) ORDER BY f.valid_from) FROM registry_enrolmentprotocol f
        WHERE f.enrolment_id = e.id),
    (SELECT jsonb_agg(jsonb_build_array(m.id, m.record, m.enrolment_id, m.kind, m.percent_mso, m.measured_on, m.coil_id))
        FILTER (WHERE m.ended_at IS NULL) FROM registry_motorthreshold m WHERE m.enrolment_id = e.id)
FROM registry_enrolment e JOIN registry_patient p ON p.id = e.patient_id
WHERE e.trial_id = %s::bigint AND e.patient_code = ANY(%s::text[]) AND (SELECT true FROM ({visible}) v WHERE v.id = e.id) ORDER BY e.id"""
# Statements by the memberships they follow from; past so many, others are put together each time.
MOST_KEPT = 1000
_kept: dict[tuple[Any, ...], tuple[str, tuple[Any, ...]] | None] = {}
# One transaction at a time writes a patient's sessions, so that what is looked up holds when it is written.
HELD = " FOR NO KEY UPDATE OF e"


@dataclass(frozen=True, slots=True)
class Given:
    """What was allocated to a patient, as everybody may know it."""

    treatment_id: int
    kit_code: str


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """One enrolment the person can see. `own_zone` is empty where the patient has that of the site."""

    id: int
    code: str
    site_id: int
    own_zone: str
    enrolled_under: int | None
    # By rank: the pain's number and side.
    pains: Mapping[int, tuple[int, Side]]
    given: Given | None
    # Since when the patient follows a version of the protocol of their own.
    dated: tuple[tuple[date, int], ...]
    thresholds: Mapping[UUID, MotorThreshold]


def read_facts(*, trial: Trial, by: User, codes: Collection[str], hold: bool) -> tuple[dict[str, PatientFacts], UUID | None]:
    """Return what is known of these patients, as far as the person can see them, and the token of the trial's design.

    `hold` keeps others from writing their sessions until the end of the transaction.
    """
    found = _visible(trial, by)
    if found is None:
        return {}, None
    visible, values = found
    statement = FACTS.format(visible=visible) + (HELD if hold else "")
    with cursor_of(current_alias()) as cursor:
        cursor.execute(statement, [trial.pk, list(codes), *values])
        rows = cursor.fetchall()
    facts = [_facts(row) for row in rows]
    return {one.code: one for one in facts}, rows[0][5] if rows else None


def _visible(trial: Trial, by: User) -> tuple[str, tuple[Any, ...]] | None:
    """Return the statement that selects the patients the person can see, None for nobody; put together once for equal memberships."""
    key = trial.pk, tuple((one.trial_id, one.site_id, one.role) for one in by.current_memberships())
    if key in _kept:
        return _kept[key]
    try:
        found = visible_enrolments(trial, by).values("id").query.sql_with_params()
    except EmptyResultSet:
        # Django's word for a person who sees no patient at all.
        found = None
    if len(_kept) < MOST_KEPT:
        _kept[key] = found
    return found


def _facts(row: tuple[Any, ...]) -> PatientFacts:
    code, key, site_id, zone, version_id, _, *nested = row
    pains, given, dated, thresholds = (None if cell is None else json.loads(cell) for cell in nested)
    return PatientFacts(
        id=key,
        code=code,
        site_id=site_id,
        own_zone=zone,
        enrolled_under=version_id,
        pains={int(rank): (pain_id, Side(side)) for rank, (pain_id, side) in (pains or {}).items()},
        given=None if given is None else Given(*given),
        dated=tuple((date.fromisoformat(since), version) for since, version in dated or ()),
        thresholds={one.record: one for one in map(_threshold, thresholds or ())},
    )


def _threshold(cells: list[Any]) -> MotorThreshold:
    key, record, enrolment_id, kind, percent, measured_on, coil_id = cells
    values = (key, UUID(record), enrolment_id, kind, percent, date.fromisoformat(measured_on), coil_id)
    return read_row(MotorThreshold, THRESHOLD, values)

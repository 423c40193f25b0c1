"""Rows of the permission table: the day, sessions, motor thresholds, adverse events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from tests.contracts import scene_sessions as there
from tests.contracts.rows import NOBODY, NOT_THERE, Row
from tests.contracts.scene import SLUG

TRIAL = {"trial": SLUG}
PATIENT = {**TRIAL, "patient_code": "P-0001"}
LOG = frozenset({"operator", "coordinator", "data_manager", "principal_investigator"})
# Masked assessors see no session: who was stimulated how, and what it did, is not for them.
SEE = LOG | {"monitor", "researcher", "unmasked_statistician"}
# Whoever may not see the pain scores of a session cannot correct its answers without destroying them.
CORRECT_ANSWERS = LOG - {"principal_investigator"}
SEEN_ELSEWHERE = 303

REASON = {"reason_code": "typing_error", "reason_text": "", "seen_version": "1"}
SIX = {"pain_before": "6", "anything_new": "no", "threshold": "last", "given": "plan", "pain_after": "4", "effects": "none"}
CORRECTION = {**SIX, **REASON, "for_date": "2026-11-16", "start_time": "09:05", "note": "quiet room", "confirm": "yes"}
MISSED = {"record": str(UUID(int=0x5E55_00FF)), "for_date": "2026-11-17", "reason": "no_show", "reason_text": ""}
NEW_THRESHOLD = {
    "record": str(UUID(int=0x7E55_00FF)), "percent_mso": "56", "measured_on": "2026-11-19", "hemisphere": "right", "kind": "resting",
    "muscle": "FDI", "method": "emg", "waveform": "biphasic", "coil": "", "stimulator": "",
}  # fmt: skip
NEW_EVENT = {
    "record": str(UUID(int=0xAE55_00FF)), "term": "toothache", "term_text": "", "onset_on": "2026-11-18", "resolved_on": "", "grade": "2",
    "serious": "no", "relatedness": "possible", "expected": "", "action": "none", "outcome": "recovering", "session": "", "note": "",
}  # fmt: skip


def of_patient(route: str, roles: frozenset[str] = LOG, method: str = "GET", record: Any = None, **more: Any) -> Row:
    """Return a row about a patient of site N, or one of their records, whom staff of site S must not find."""
    kwargs = PATIENT if record is None else {**PATIENT, "record": record}
    return replace(Row(route, method, roles, kwargs, elsewhere=NOT_THERE, stranger=NOT_THERE), **more)


def post(route: str, data: dict[str, Any], roles: frozenset[str] = LOG, record: Any = None, **more: Any) -> Row:
    """Return a row of a form that saves and leads on."""
    return of_patient(route, roles, "POST", record, data=data, **{"allowed": SEEN_ELSEWHERE, "writes": True, **more})


def reasoned(route: str, record: UUID) -> tuple[Row, Row]:
    """Return the rows of a page that asks only why."""
    return of_patient(route, record=record), post(route, REASON, record=record)


STIMULATION_TABLE: tuple[Row, ...] = (
    replace(Row("today", roles=LOG, kwargs=TRIAL), stranger=NOT_THERE),
    of_patient("sessions", SEE),
    of_patient("session_open"),
    post("session_open", {"number": "2"}, writes=False, note="its draft is open already"),
    of_patient("session_missed", kwargs={**PATIENT, "number": 2}),
    post("session_missed", MISSED, kwargs={**PATIENT, "number": 2}),
    of_patient("session", SEE, record=there.SESSION),
    of_patient("session", SEE, record=there.VOIDED_SESSION, note="voided"),
    of_patient("session", record=there.DRAFT, note="a draft"),
    of_patient("session", NOBODY, hidden=LOG, record=there.OF_SOUTH, note="another patient's session"),
    post("session", SIX, record=there.DRAFT),
    post("session", {"act": "save"}, record=there.SESSION, writes=False, note="on record already"),
    post("session_draft", SIX, record=there.DRAFT),
    of_patient("session_discard", record=there.DRAFT),
    post("session_discard", {}, record=there.DRAFT),
    of_patient("session_correct", CORRECT_ANSWERS, record=there.SESSION),
    post("session_correct", CORRECTION, CORRECT_ANSWERS, record=there.SESSION),
    *reasoned("session_void", there.SESSION),
    *reasoned("session_restore", there.VOIDED_SESSION),
    of_patient("session_reenter", CORRECT_ANSWERS, record=there.SESSION),
    post("session_reenter", {"other_patient": "P-0004"}, CORRECT_ANSWERS, record=there.SESSION, makes_id=True),
    of_patient("thresholds", SEE),
    of_patient("threshold_add"),
    post("threshold_add", NEW_THRESHOLD),
    of_patient("threshold", SEE, record=there.THRESHOLD),
    of_patient("threshold", NOBODY, hidden=SEE, record=there.SOUTH_THRESHOLD, note="another patient's threshold"),
    of_patient("threshold_correct", record=there.THRESHOLD),
    post("threshold_correct", {**NEW_THRESHOLD, **REASON}, record=there.THRESHOLD),
    *reasoned("threshold_void", there.THRESHOLD),
    *reasoned("threshold_restore", there.VOIDED_THRESHOLD),
    of_patient("adverse_events", SEE),
    of_patient("adverse_event_add"),
    post("adverse_event_add", NEW_EVENT),
    of_patient("adverse_event", SEE, record=there.EVENT),
    of_patient("adverse_event", NOBODY, hidden=SEE, record=there.SOUTH_EVENT, note="another patient's event"),
    of_patient("adverse_event_correct", record=there.EVENT),
    post("adverse_event_correct", {**NEW_EVENT, **REASON}, record=there.EVENT),
    *reasoned("adverse_event_void", there.EVENT),
    *reasoned("adverse_event_restore", there.VOIDED_EVENT),
)

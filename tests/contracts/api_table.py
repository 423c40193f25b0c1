"""The REST door's part of the permission table. Who may not know of a record is told 404, whatever else they may not do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from registry.models import Disposition, Enrolment, EnrolmentPain, PainDiagnosis, Site
from tests.contracts import scene_sessions as there
from tests.contracts import scene_voided as gone
from tests.contracts.rows import (
    CARE,
    CLOSED_OUTCOMES,
    CORRECT,
    EFFICACY_HIDDEN,
    EVERYBODY,
    NOBODY,
    NOT_THERE,
    OPEN_OUTCOMES,
    READ,
    Row,
)
from tests.contracts.scene import REPORT_WEEK, SLUG, record_of

NOT_SIGNED_IN = 401
LOG = frozenset({"operator", "coordinator", "data_manager", "principal_investigator"})
SEE = LOG | {"monitor", "researcher", "unmasked_statistician"}
EDIT = frozenset({"coordinator", "data_manager"})
ADMINISTRATOR = frozenset({"administrator"})
MANAGE = ADMINISTRATOR | {"principal_investigator"}
NEW_TRIAL = {"slug": "calm-m2", "name": "Calm M2", "conduct": "prospective", "site": {"code": "N"}}
REASON = {"change_reason": "typing_error"}
ANY_VERSION = {"If-Match": "*"}
OF_PATIENT = {"trial": SLUG, "patient": "P-0001"}
EARLY, LATE, VOIDED = record_of(1, -1), record_of(1, 5), record_of(1, -3)
NEW_SCORE = {
    **OF_PATIENT, "id": "00000000-0000-4000-8000-000000000002", "value": 4, "for_date": "2026-11-17", "scale": "NRS",
    "recall": "average_24h", "context": "diary", "source": "diary", "pain": "overall",
}  # fmt: skip


NEW_THRESHOLD = {**OF_PATIENT, "id": str(UUID(int=0x7E55_0100)), "percent_mso": 56, "hemisphere": "right", "measured_on": "2026-11-19"}
NEW_SESSION = {
    **OF_PATIENT, "id": str(UUID(int=0x5E55_0100)), "number": 4, "status": "given", "as_planned": True,
    "started_at": "2026-11-19T08:05:00Z", "threshold": str(there.THRESHOLD), "pain_before": 6, "pain_after": 4, "side_effects": [],
}  # fmt: skip
NEW_EVENT = {**OF_PATIENT, "id": str(UUID(int=0xAE55_0100)), "term": "toothache", "grade": 2, "onset_on": "2026-11-18"}


def uuid_of(model: Any, **about: Any) -> UUID:
    """Return the id of the one row so described in the trial."""
    return UUID(str(model._base_manager.values_list("uuid", flat=True).get(**about)))


OF_FIRST = {"trial__slug": SLUG, "patient_code": "P-0001"}
DIAGNOSES = partial(uuid_of, PainDiagnosis, **{f"patient__enrolments__{name}": value for name, value in OF_FIRST.items()})
PAINS = partial(uuid_of, EnrolmentPain, **{f"enrolment__{name}": value for name, value in OF_FIRST.items()})
TURNS = partial(uuid_of, Disposition, enrolment__trial__slug=SLUG)
PATIENTS = partial(uuid_of, Enrolment, trial__slug=SLUG)
PATIENT, SPARE_PATIENT, GONE_PATIENT = (partial(PATIENTS, patient_code=code) for code in ("P-0001", "P-0099", gone.GONE_PATIENT))
DIAGNOSIS, SPARE_DIAGNOSIS, GONE_DIAGNOSIS = (partial(DIAGNOSES, code=code) for code in ("D1", gone.SPARE, gone.GONE))
PAIN, SPARE_PAIN, GONE_PAIN = (partial(PAINS, rank=rank) for rank in (1, gone.SPARE_RANK, gone.GONE_RANK))
TURN = partial(TURNS, enrolment__patient_code="P-0002")
GONE_TURN = partial(TURNS, enrolment__patient_code="P-0001")
NORTH = partial(uuid_of, Site, trial__slug=SLUG, code="N")


def listed(route: str) -> Row:
    """Return the row of a list, which is everybody's and holds what each may see."""
    return Row(route, anonymous=NOT_SIGNED_IN)


def one(route: str, id: UUID | str | Callable[[], UUID], roles: frozenset[str] = READ, **more: Any) -> Row:
    """Return the row of one record at site N."""
    row = Row(route, roles=roles, kwargs={"id": id}, refused=NOT_THERE, elsewhere=NOT_THERE, stranger=NOT_THERE, anonymous=NOT_SIGNED_IN)
    return replace(row, **more)


def added(route: str, roles: frozenset[str], json: dict[str, Any], **more: Any) -> Row:
    """Return the row of adding a record about a patient of site N."""
    row = Row(route, "POST", roles, json=json, allowed=201, stranger=NOT_THERE, anonymous=NOT_SIGNED_IN, writes=True)
    return replace(row, **{"elsewhere": NOT_THERE, "makes_id": True, **more})


def listed_new(route: str, roles: frozenset[str], json: dict[str, Any]) -> Row:
    """Return the row of adding a list of records: a patient who is not the person's makes a wrong row of it."""
    row = {name: value for name, value in json.items() if name != "trial"}
    return added(route, roles, {"trial": SLUG, "rows": [row]}, makes_id=False, elsewhere=422)


def changed(route: str, id: Any, roles: frozenset[str], json: dict[str, Any], method: str = "PATCH", seen_by: frozenset[str] = READ) -> Row:
    """Return the row of changing a record: who cannot see it is told 404, who can but may not change it 403."""
    row = one(route, id, roles, method=method, json={**REASON, **json}, headers=ANY_VERSION, refused=403, writes=True)
    return replace(row, hidden=EVERYBODY - seen_by)


NEW_TOKEN = {
    "name": "weekly pull", "trial": "", "scope": "read", "expires_on": "2027-01-31", "record": "00000000-0000-4000-8000-000000000003",
}  # fmt: skip
# Tokens are a person's own, whatever the role; who is in no trial any more gets none.
TOKENS = Row("tokens")


def versioned(
    name: str, standing: UUID, voided: UUID, new: dict[str, Any], correction: dict[str, Any], correct: frozenset[str] = LOG
) -> tuple[Row, ...]:
    """Return the rows of one collection of stimulation's records."""
    many = f"api_{name}s"
    return (
        listed(many),
        added(many, LOG, new, makes_id=False),
        listed_new(f"{many}_batch", LOG, new),
        one(f"api_{name}", standing, SEE),
        changed(f"api_{name}", standing, correct, correction, seen_by=SEE),
        changed(f"api_{name}_void", standing, LOG, {}, "POST", SEE),
        changed(f"api_{name}_restore", voided, LOG, {}, "POST", SEE),
    )


def voidable(name: str, standing: Any, voided: Any) -> tuple[Row, ...]:
    """Return the rows of taking a row of a patient's file out of use and bringing one back."""
    return (
        changed(f"api_{name}_void", standing, EDIT, {}, "POST"),
        changed(f"api_{name}_restore", voided, EDIT, {}, "POST"),
    )


ISSUED = {"week": REPORT_WEEK, "version": 1}
NEXT_REPORT = {"week": REPORT_WEEK, "reason": "for the meeting of the board"}
DOCUMENTS = ("report.html", "report.pdf", "snapshot.json")


def of_reports(route: str, roles: frozenset[str], **which: Any) -> Row:
    """Return the row of a trial's weekly reports."""
    note = str(which.get("form", ""))
    return Row(
        route, roles=roles, kwargs={"trial": SLUG, **which}, stranger=NOT_THERE, anonymous=NOT_SIGNED_IN, whole_trial=True, note=note
    )


API_TABLE: tuple[Row, ...] = (
    TOKENS,
    replace(TOKENS, method="POST", data=NEW_TOKEN, writes=True),
    Row("token_revoke", roles=NOBODY, kwargs={"record": UUID(int=9)}, refused=NOT_THERE, elsewhere=NOT_THERE, stranger=NOT_THERE),
    Row("token_revoke", "POST", NOBODY, {"record": UUID(int=9)}, refused=NOT_THERE, elsewhere=NOT_THERE, stranger=NOT_THERE),
    Row("api_schema", anonymous=200),
    Row("api_documentation"),
    Row("api_problem", kwargs={"code": "conflict"}, anonymous=200),
    Row("api_nowhere", roles=NOBODY, refused=NOT_THERE, elsewhere=NOT_THERE, stranger=NOT_THERE, anonymous=NOT_SIGNED_IN),
    listed("api_trials"),
    added("api_trials", ADMINISTRATOR, NEW_TRIAL, makes_id=False, elsewhere=403, stranger=403),
    one("api_trial", SLUG, EVERYBODY, elsewhere=200),
    replace(changed("api_trial", SLUG, MANAGE, {"title": "Calm"}, seen_by=EVERYBODY), elsewhere=403, whole_trial=True),
    listed("api_sites"),
    added("api_sites", MANAGE, {"trial": SLUG, "code": "W"}, elsewhere=403, whole_trial=True),
    one("api_site", NORTH, EVERYBODY),
    replace(changed("api_site", NORTH, MANAGE, {"name": "North"}, seen_by=EVERYBODY), whole_trial=True),
    listed("api_looks"),
    added("api_looks", MANAGE, {"trial": SLUG, "code": "interim9", "planned_on": "2030-01-07", **REASON}, elsewhere=403, whole_trial=True),
    one("api_look", UUID(int=8), NOBODY, note="no such look"),
    listed("api_treatments"),
    listed("api_visit_types"),
    listed("api_scales"),
    listed("api_plans"),
    listed("api_patients"),
    added("api_patients", EDIT, {"trial": SLUG, "patient": "P-0500", "site": "N"}, elsewhere=403),
    one("api_patient", PATIENT),
    changed("api_patient", PATIENT, EDIT, {"birth_year": 1962}),
    *voidable("patient", SPARE_PATIENT, GONE_PATIENT),
    listed("api_enrolments"),
    one("api_enrolment", PATIENT),
    listed("api_diagnoses"),
    added("api_diagnoses", EDIT, {**OF_PATIENT, "diagnosis": "D2", "condition": "low_back"}),
    one("api_diagnosis", DIAGNOSIS),
    changed("api_diagnosis", DIAGNOSIS, EDIT, {"icd10": "G54.6"}),
    *voidable("diagnosis", SPARE_DIAGNOSIS, GONE_DIAGNOSIS),
    listed("api_pains"),
    added("api_pains", EDIT, {**OF_PATIENT, "rank": 2, "body_region": "arm"}),
    one("api_pain", PAIN),
    changed("api_pain", PAIN, EDIT, {"body_region": "palm"}),
    *voidable("pain", SPARE_PAIN, GONE_PAIN),
    listed("api_dispositions"),
    added("api_dispositions", EDIT, {**OF_PATIENT, "kind": "lost"}),
    one("api_disposition", TURN),
    changed("api_disposition", TURN, EDIT, {"happened_on": "2026-11-03"}),
    *voidable("disposition", TURN, GONE_TURN),
    listed("api_scores"),
    added("api_scores", CARE, NEW_SCORE, makes_id=False),
    listed_new("api_scores_batch", CARE, NEW_SCORE),
    one("api_score", EARLY),
    one("api_score", LATE, READ - EFFICACY_HIDDEN, note="after allocation"),
    one("api_score", UUID(int=7), NOBODY, note="nobody's"),
    changed("api_score", EARLY, CORRECT, {"value": 1}),
    changed("api_score_void", EARLY, CORRECT, {}, "POST"),
    changed("api_score_restore", VOIDED, CORRECT, {}, "POST"),
    *versioned("threshold", there.THRESHOLD, there.VOIDED_THRESHOLD, NEW_THRESHOLD, {"percent_mso": 55}),
    *versioned("session", there.SESSION, there.VOIDED_SESSION, NEW_SESSION, {"note": "quiet room"}, LOG - {"principal_investigator"}),
    *versioned("adverse_event", there.EVENT, there.VOIDED_EVENT, NEW_EVENT, {"grade": 1}),
    Row(
        "api_outcomes", roles=OPEN_OUTCOMES, kwargs={"trial": SLUG}, stranger=NOT_THERE, anonymous=NOT_SIGNED_IN, whole_trial=True
    ),
    Row("api_outcomes_closed", roles=CLOSED_OUTCOMES, kwargs={"trial": SLUG}, stranger=NOT_THERE, anonymous=NOT_SIGNED_IN),
    of_reports("api_reports", OPEN_OUTCOMES),
    replace(of_reports("api_reports", OPEN_OUTCOMES), method="POST", json=NEXT_REPORT, allowed=201, writes=True),
    of_reports("api_reports_closed", CLOSED_OUTCOMES),
    of_reports("api_report", OPEN_OUTCOMES, **ISSUED),
    of_reports("api_report_closed", CLOSED_OUTCOMES, **ISSUED),
    *(of_reports("api_report_document", OPEN_OUTCOMES, **ISSUED, form=form) for form in DOCUMENTS),
    *(of_reports("api_report_closed_document", CLOSED_OUTCOMES, **ISSUED, form=form) for form in DOCUMENTS),
)  # fmt: skip

"""One table of every route and method: who gets which answer. A route that is missing here fails the test run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.contracts.api_table import API_TABLE
from tests.contracts.patient_file_table import FILE_TABLE
from tests.contracts.rows import (
    CARE,
    CLOSED_OUTCOMES,
    CORRECT,
    EFFICACY_HIDDEN,
    EVERYBODY,
    NO_RIGHT,
    NOBODY,
    NOT_THERE,
    OPEN_OUTCOMES,
    READ,
    READ_HISTORY,
    Row,
)
from tests.contracts.scene import OTHER_SLUG, REPORT_WEEK, SLUG, record_of
from tests.contracts.settings_table import SETTINGS_TABLE
from tests.contracts.stimulation_table import STIMULATION_TABLE
from tests.contracts.uploads_table import UPLOADS_TABLE

TRIAL = {"trial": SLUG}
PATIENT = {**TRIAL, "patient_code": "P-0001"}
OTHER_TRIALS_PATIENT = {"trial": OTHER_SLUG, "patient_code": "P-0001"}
REPORT = {**TRIAL, "week": REPORT_WEEK, "version": 1}
NEXT_REPORT = {"week": REPORT_WEEK, "reason": "for the meeting of the board"}
EARLY, LATE, VOIDED = record_of(1, -1), record_of(1, 5), record_of(1, -3)
OF_SOUTH = record_of(9, -1)


def in_trial(route: str, roles: frozenset[str], **more: Any) -> Row:
    """Return a row of a page of the trial, which other sites' staff see as well."""
    return replace(Row(route, roles=roles, kwargs=TRIAL, stranger=NOT_THERE), **more)


def of_patient(route: str, roles: frozenset[str], method: str = "GET", **more: Any) -> Row:
    """Return a row about a patient of site N, whom staff of site S must not find."""
    row = Row(route, method, roles, PATIENT, elsewhere=NOT_THERE, stranger=NOT_THERE)
    return replace(row, **more)


def of_score(route: str, roles: frozenset[str], method: str = "GET", record: Any = EARLY, **more: Any) -> Row:
    """Return a row about one score of that patient, given before allocation unless another is named."""
    return of_patient(route, roles, method, kwargs={**PATIENT, "record": record}, **more)


REASON = {"reason_code": "typing_error", "reason_text": ""}
CORRECTION = {**REASON, "value": "1", "seen_version": "1"}
NEW_PASSWORD = {"oldpassword": "correct horse battery", "password1": "a battery of horses", "password2": "a battery of horses"}
NEW_SCORE = {
    "value": "4", "for_date": "2026-11-17", "visit": "", "pain": "overall", "context": "unscheduled", "recall": "now", "source": "clinic",
    "rater": "patient", "record": "00000000-0000-4000-8000-000000000001",
}  # fmt: skip

# Who keeps the registry running; a right over no trial.
OPERATOR_OF_ALL = frozenset({"administrator"})

TABLE: tuple[Row, ...] = (
    Row("healthz", anonymous=200),
    Row("readyz", anonymous=503, allowed=503, elsewhere=503, stranger=503, note="no broker in tests"),
    Row("metrics", roles=OPERATOR_OF_ALL, stranger=NO_RIGHT, anonymous=401),
    Row("status", roles=OPERATOR_OF_ALL, stranger=NO_RIGHT),
    Row("job_retry", "POST", OPERATOR_OF_ALL, kwargs={"number": 999_999}, allowed=409, stranger=NO_RIGHT, note="no failed one"),
    Row("home", allowed=302, elsewhere=302, stranger=302),
    Row("trial_choice"),
    Row("my_account"),
    Row("my_account", "POST", data={"theme": "dark"}, allowed=302, elsewhere=302, stranger=302, writes=True),
    Row("account_login", allowed=302, elsewhere=302, stranger=302, anonymous=200),
    Row("account_login", "POST", data={"login": "x@example.org", "password": "x"}, allowed=302, elsewhere=302, stranger=302, anonymous=200),
    Row("account_logout", "POST", allowed=302, elsewhere=302, stranger=302, anonymous=302),
    Row("account_logout", allowed=200, anonymous=302),
    Row("account_inactive", anonymous=200),
    Row("account_change_password"),
    Row("account_change_password", "POST", data=NEW_PASSWORD, allowed=302, elsewhere=302, stranger=302, writes=True),
    Row("account_reset_password", anonymous=200),
    Row("account_reset_password", "POST", data={"email": "nobody@example.org"}, allowed=302, elsewhere=302, stranger=302, anonymous=302),
    Row("account_reset_password_done", anonymous=200),
    Row("account_reset_password_from_key", kwargs={"uidb36": "1", "key": "wrong-key"}, anonymous=200),
    Row("account_reset_password_from_key", "POST", kwargs={"uidb36": "1", "key": "wrong-key"}, anonymous=200),
    Row("account_reset_password_from_key_done", anonymous=200),
    in_trial("patients", READ),
    in_trial("outcomes", OPEN_OUTCOMES, whole_trial=True),
    in_trial("dashboard", OPEN_OUTCOMES, whole_trial=True),
    in_trial("dashboard_csv", OPEN_OUTCOMES, whole_trial=True, kwargs={**TRIAL, "figure": "recruitment"}),
    in_trial("dashboard_csv", NOBODY, whole_trial=True, kwargs={**TRIAL, "figure": "responders"}, hidden=OPEN_OUTCOMES, note="withheld"),
    in_trial("dashboard_closed", CLOSED_OUTCOMES),
    in_trial("dashboard_closed_csv", CLOSED_OUTCOMES, kwargs={**TRIAL, "figure": "over-time"}),
    in_trial("outcomes_closed", CLOSED_OUTCOMES),
    in_trial("reports", OPEN_OUTCOMES, whole_trial=True),
    in_trial("reports", OPEN_OUTCOMES, method="POST", whole_trial=True, data=NEXT_REPORT, allowed=302, writes=True),
    in_trial("report", OPEN_OUTCOMES, whole_trial=True, kwargs=REPORT),
    in_trial("report", NOBODY, whole_trial=True, kwargs={**REPORT, "version": 9}, hidden=OPEN_OUTCOMES, note="never made"),
    in_trial("report_pdf", OPEN_OUTCOMES, whole_trial=True, kwargs=REPORT),
    in_trial("report_closed", CLOSED_OUTCOMES, kwargs=REPORT),
    in_trial("report_closed_pdf", CLOSED_OUTCOMES, kwargs=REPORT),
    of_patient("patient", READ),
    of_patient("patient", NOBODY, hidden=EVERYBODY - {"administrator"}, kwargs=OTHER_TRIALS_PATIENT, stranger=200, note="other trial"),
    of_patient("patient", NOBODY, hidden=READ, kwargs={**TRIAL, "patient_code": "P-7777"}, note="nobody's number"),
    of_patient("scores", READ),
    of_patient("score_add", CARE),
    of_patient("score_add", CARE, "POST", data=NEW_SCORE, allowed=302, writes=True),
    of_score("score", READ),
    of_score("score", READ - EFFICACY_HIDDEN, hidden=EFFICACY_HIDDEN, record=LATE, note="after allocation"),
    of_score("score", NOBODY, hidden=READ, record=OF_SOUTH, note="another patient's score"),
    of_score("score_correct", CORRECT),
    of_score(
        "score_correct", CORRECT, "POST", data={**REASON, "value": "1", "seen_version": "1", "confirm": "1"}, allowed=302, writes=True
    ),
    of_score("score_void", CORRECT),
    of_score("score_void", CORRECT, "POST", data={**REASON, "seen_version": "1"}, allowed=303, writes=True),
    of_score("score_restore", CORRECT, record=VOIDED),
    of_score("score_restore", CORRECT, "POST", record=VOIDED, data={**REASON, "seen_version": "1"}, allowed=303, writes=True),
    of_patient("history", READ_HISTORY),
    *API_TABLE,
    *SETTINGS_TABLE,
    *STIMULATION_TABLE,
    *FILE_TABLE,
    *UPLOADS_TABLE,
)

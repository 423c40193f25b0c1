"""The settings' part of the permission table: setting up a trial, its members, its allocation, its patients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.contracts.rows import EVERYBODY, NO_RIGHT, NOBODY, NOT_THERE, Row
from tests.contracts.scene import SLUG

ADMINISTRATORS = frozenset({"administrator"})
MANAGERS = frozenset({"administrator", "principal_investigator"})
ENROL = frozenset({"coordinator", "data_manager"})
ASK_FOR_ALLOCATION = frozenset({"coordinator"})
PREPARE_ALLOCATION = frozenset({"unmasked_statistician"})
WHY = "the name was misspelt"
NEW_TRIAL = {"slug": "new-1", "name": "NEW-1", "conduct": "prospective", "site-code": "N"}
NEW_FACTS = {"name": "CALM", "conduct": "prospective", "masked": "yes", "reason": WHY}
NEW_PLAN = {
    "version": "2", "scale": "NRS", "thresholds": "30 50", "point-count": "1", "point-0-code": "W4", "point-0-target_day": "28",
}  # fmt: skip
NEW_MEMBER = {"email": "new@hospital.org", "name": "New Person", "role": "operator", "site": "N", "entry": "show"}
NEW_LIST = {
    "act": "generate", "draw-share_0": "1", "draw-share_1": "1", "draw-share_2": "1", "draw-share_3": "1", "draw-block_sizes": "4 8",
    "draw-length": "8",
}  # fmt: skip
NEW_PATIENT = {
    "patient": "P-0500", "site": "N", "cohort": "patients", "sex": "female", "pain-count": "1", "pain-0-condition": "fibromyalgia",
    "identity-name": "Berta Beispiel",
}  # fmt: skip
# The operator's, the first membership of the scene.
OWN_MEMBERSHIP = 1
TRIAL = {"trial": SLUG}
PATIENT = {**TRIAL, "patient_code": "P-0001"}


def in_trial(route: str, roles: frozenset[str], **more: Any) -> Row:
    """Return a row of a page of the trial, which other sites' staff see as well."""
    return replace(Row(route, roles=roles, kwargs=TRIAL, stranger=NOT_THERE), **more)


def managed(route: str, roles: frozenset[str] = MANAGERS, **more: Any) -> Row:
    """Return a row of a page about the trial as a whole."""
    return in_trial(route, roles, whole_trial=True, **more)


def change(route: str, data: dict[str, Any], roles: frozenset[str] = MANAGERS, **more: Any) -> Row:
    """Return a row that changes the trial as a whole."""
    return managed(route, roles, **{"method": "POST", "data": data, "allowed": 302, "writes": True, **more})


def of_patient(route: str, roles: frozenset[str], method: str = "GET", **more: Any) -> Row:
    """Return a row about a patient of site N, whom staff of site S must not find."""
    return replace(Row(route, method, roles, PATIENT, elsewhere=NOT_THERE, stranger=NOT_THERE), **more)


SETTINGS_TABLE: tuple[Row, ...] = (
    Row("trial_new", roles=ADMINISTRATORS, elsewhere=NO_RIGHT, stranger=NO_RIGHT),
    Row("trial_new", "POST", ADMINISTRATORS, data=NEW_TRIAL, allowed=302, elsewhere=NO_RIGHT, stranger=NO_RIGHT, writes=True),
    in_trial("trial_settings", EVERYBODY),
    managed("trial_facts"),
    change("trial_facts", NEW_FACTS),
    in_trial("trial_sites", EVERYBODY),
    change("trial_sites", {"new-code": "W"}),
    managed("trial_site", kwargs={**TRIAL, "code": "N"}),
    managed("trial_site", NOBODY, kwargs={**TRIAL, "code": "nowhere"}, hidden=MANAGERS, note="no such site"),
    change("trial_site", {"name": "North", "reason": WHY}, kwargs={**TRIAL, "code": "N"}),
    in_trial("trial_treatments", EVERYBODY),
    change("trial_treatments", {"new-code": "acc"}),
    managed("trial_treatment", kwargs={**TRIAL, "code": "m1"}),
    change("trial_treatment", {"label": "M1", "reason": WHY}, kwargs={**TRIAL, "code": "m1"}),
    in_trial("trial_scales", EVERYBODY),
    change("trial_scales", {"new-code": "VAS", "new-maximum": "100"}),
    managed("trial_scale", kwargs={**TRIAL, "code": "NRS", "version": "1"}),
    change("trial_scale", {"label": "Pain", "reason": WHY}, kwargs={**TRIAL, "code": "NRS", "version": "1"}),
    in_trial("trial_visits", EVERYBODY),
    change("trial_visits", {"new-code": "W8", "new-target_day": "56"}),
    managed("trial_visit", kwargs={**TRIAL, "code": "W4"}),
    change("trial_visit", {"label": "Four", "reason": WHY}, kwargs={**TRIAL, "code": "W4"}),
    in_trial("trial_looks", EVERYBODY),
    change("trial_looks", {"new-code": "interim9", "new-planned_on": "2030-01-07", "reason": WHY}),
    managed("trial_look", NOBODY, kwargs={**TRIAL, "code": "none"}, hidden=MANAGERS, note="no such look"),
    in_trial("trial_stimulators", EVERYBODY),
    change("trial_stimulators", {"new-code": "ST-9", "new-model": "M-200"}),
    managed("trial_stimulator", NOBODY, kwargs={**TRIAL, "code": "none"}, hidden=MANAGERS, note="no such stimulator"),
    in_trial("trial_coils", EVERYBODY),
    change("trial_coils", {"new-code": "C-9", "new-model": "F8", "new-shape": "figure_8"}),
    managed("trial_coil", NOBODY, kwargs={**TRIAL, "code": "none"}, hidden=MANAGERS, note="no such coil"),
    in_trial("trial_conversions", EVERYBODY),
    change("trial_conversions", {"new-from_model": "F8", "new-to_model": "A/P", "new-factor": "1.1", "new-source": "measured here"}),
    managed("trial_conversion", NOBODY, kwargs={**TRIAL, "code": "F8", "version": "A/P"}, hidden=MANAGERS, note="no such factor"),
    in_trial("device_calibrations", NOBODY, kwargs={**TRIAL, "kind": "coils", "code": "none"}, hidden=EVERYBODY, elsewhere=NOT_THERE),
    in_trial("trial_protocol", EVERYBODY),
    managed("trial_protocol_new"),
    change("trial_protocol_new", {"version": "2.0"}),
    in_trial("trial_plan", EVERYBODY),
    managed("trial_plan_new"),
    change("trial_plan_new", NEW_PLAN),
    managed("members"),
    change("members", NEW_MEMBER, allowed=200),
    managed("member_end", kwargs={**TRIAL, "number": OWN_MEMBERSHIP}),
    change("member_end", {"last_day": ""}, kwargs={**TRIAL, "number": OWN_MEMBERSHIP}),
    managed("member_end", NOBODY, kwargs={**TRIAL, "number": 10**9}, hidden=MANAGERS, note="no such membership"),
    in_trial("allocation_list", PREPARE_ALLOCATION),
    # The list of the scene is there: whoever may draw one is told that it stands. Its arms again change nothing.
    in_trial("allocation_list", PREPARE_ALLOCATION, method="POST", data=NEW_LIST, allowed=409),
    in_trial("patient_new", ENROL),
    in_trial("patient_new", ENROL, method="POST", data=NEW_PATIENT, allowed=302, elsewhere=NO_RIGHT, writes=True),
    of_patient("randomise", ASK_FOR_ALLOCATION),
    of_patient("randomise", ASK_FOR_ALLOCATION, "POST", data={"stratum": "=site=N"}, allowed=302, note="allocated before"),
    of_patient(
        "randomise",
        ASK_FOR_ALLOCATION,
        "POST",
        kwargs={**TRIAL, "patient_code": "P-0099"},
        data={"stratum": "=site=N"},
        allowed=302,
        writes=True,
    ),
)

"""Rights as words, and the roles that bundle them, each with a sentence a ward manager understands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """One thing a person may do in a trial. Kept as words so that nobody compares levels."""

    TRIAL_VIEW = "trial.view"
    TRIAL_CREATE = "trial.create"
    TRIAL_MANAGE = "trial.manage"
    MEMBERS_MANAGE = "members.manage"
    PATIENT_VIEW = "patient.view"
    PATIENT_EDIT = "patient.edit"
    IDENTITY_VIEW = "identity.view"
    IDENTITY_EDIT = "identity.edit"
    SCORE_VIEW = "score.view"
    SCORE_RECORD = "score.record"
    SCORE_CORRECT = "score.correct"
    SESSION_VIEW = "session.view"
    SESSION_RECORD = "session.record"
    SESSION_CORRECT = "session.correct"
    EVENT_VIEW = "event.view"
    EVENT_RECORD = "event.record"
    HISTORY_VIEW = "history.view"
    ALLOCATION_REQUEST = "allocation.request"
    ALLOCATION_REVEAL = "allocation.reveal"
    ALLOCATION_MANAGE = "allocation.manage"
    OUTCOMES_OPEN = "outcomes.open"
    OUTCOMES_CLOSED = "outcomes.closed"
    IMPORT = "data.import"
    EXPORT = "data.export"
    AUDIT_VIEW = "audit.view"
    REGISTRY_OPERATE = "registry.operate"


P = Permission


@dataclass(frozen=True)
class Role:
    """A bundle of rights; masked roles may never hold a right that shows an arm."""

    code: str
    label: str
    sentence: str
    masked: bool
    permissions: frozenset[Permission]
    # Duty to single patients: sees their scores after allocation too. Others see those only where pooled efficacy may be seen.
    cares_for_patients: bool = False
    # What people typed about a patient may name anybody; who analyses pseudonymous rows does without.
    reads_free_text: bool = True


_STIMULATION_VIEW = {P.SESSION_VIEW, P.EVENT_VIEW}
_STIMULATION = _STIMULATION_VIEW | {P.SESSION_RECORD, P.SESSION_CORRECT, P.EVENT_RECORD}
_CLINICAL = {P.TRIAL_VIEW, P.PATIENT_VIEW, P.SCORE_VIEW, P.HISTORY_VIEW}

OPERATOR = Role(
    "operator",
    "Operator",
    "Runs stimulation sessions and records pain for the patients of their own site; never sees who got which treatment.",
    True,
    frozenset(_CLINICAL | _STIMULATION | {P.SCORE_RECORD, P.SCORE_CORRECT}),
    cares_for_patients=True,
)
ASSESSOR = Role(
    "assessor",
    "Masked assessor",
    "Rates outcomes independently of treatment at their own site; never sees who got which treatment.",
    True,
    frozenset(_CLINICAL | {P.SCORE_RECORD}),
    cares_for_patients=True,
)
COORDINATOR = Role(
    "coordinator",
    "Coordinator",
    "Enrols patients, keeps visits and records complete and asks for allocation; sees a kit code, never a treatment.",
    True,
    frozenset(
        _CLINICAL
        | _STIMULATION
        | {P.PATIENT_EDIT, P.IDENTITY_VIEW, P.IDENTITY_EDIT, P.SCORE_RECORD, P.SCORE_CORRECT, P.ALLOCATION_REQUEST, P.OUTCOMES_OPEN}
    ),
    cares_for_patients=True,
)
DATA_MANAGER = Role(
    "data_manager",
    "Data manager",
    "Brings data in and out and answers queries across all sites; exports leave out everything about treatment.",
    True,
    frozenset(
        _CLINICAL | _STIMULATION | {P.PATIENT_EDIT, P.SCORE_RECORD, P.SCORE_CORRECT, P.IMPORT, P.EXPORT, P.OUTCOMES_OPEN, P.AUDIT_VIEW}
    ),
    cares_for_patients=True,
)
MONITOR = Role(
    "monitor",
    "Monitor",
    "Reads records and their history across all sites; changes nothing and sees no treatment.",
    True,
    frozenset(_CLINICAL | _STIMULATION_VIEW | {P.AUDIT_VIEW}),
    cares_for_patients=True,
)
PRINCIPAL_INVESTIGATOR = Role(
    "principal_investigator",
    "Principal investigator",
    "Leads the trial masked: sees the open outcomes and all patients, never who got which treatment.",
    True,
    frozenset(_CLINICAL | _STIMULATION | {P.SCORE_RECORD, P.SCORE_CORRECT, P.OUTCOMES_OPEN, P.TRIAL_MANAGE, P.MEMBERS_MANAGE, P.EXPORT}),
)
RESEARCHER = Role(
    "researcher",
    "Researcher",
    "Reads pseudonymous rows and the open outcomes for analysis; no treatment before the database is locked.",
    True,
    frozenset(_STIMULATION_VIEW | {P.TRIAL_VIEW, P.PATIENT_VIEW, P.SCORE_VIEW, P.OUTCOMES_OPEN, P.EXPORT}),
    reads_free_text=False,
)
UNMASKED_STATISTICIAN = Role(
    "unmasked_statistician",
    "Unmasked statistician",
    "Prepares allocation lists and reads the closed outcomes; takes no part in care or rating.",
    False,
    frozenset(
        _STIMULATION_VIEW
        | {
            P.TRIAL_VIEW,
            P.OUTCOMES_OPEN,
            P.OUTCOMES_CLOSED,
            P.ALLOCATION_REVEAL,
            P.ALLOCATION_MANAGE,
            P.EXPORT,
            P.IMPORT,
            P.PATIENT_VIEW,
            P.SCORE_VIEW,
        }
    ),
)
SAFETY_BOARD = Role(
    "safety_board",
    "Data and safety monitoring board",
    "Reads open and closed outcomes to judge whether the trial may go on; sees no identity.",
    False,
    frozenset({P.TRIAL_VIEW, P.OUTCOMES_OPEN, P.OUTCOMES_CLOSED}),
)
SETUP_PERSON = Role(
    "setup_person",
    "Set-up person",
    "Sets the coil from the kit code before the operator enters; sees no outcome and no session.",
    False,
    frozenset({P.TRIAL_VIEW, P.ALLOCATION_REVEAL}),
)
ADMINISTRATOR = Role(
    "administrator",
    "Administrator",
    "Opens trials, accounts and memberships and sees that all runs; holds no right to see patients' identities or treatments.",
    True,
    frozenset({P.TRIAL_VIEW, P.TRIAL_CREATE, P.TRIAL_MANAGE, P.MEMBERS_MANAGE, P.AUDIT_VIEW, P.IMPORT, P.REGISTRY_OPERATE}),
)

ROLES: dict[str, Role] = {
    role.code: role
    for role in (
        OPERATOR,
        ASSESSOR,
        COORDINATOR,
        DATA_MANAGER,
        MONITOR,
        PRINCIPAL_INVESTIGATOR,
        RESEARCHER,
        UNMASKED_STATISTICIAN,
        SAFETY_BOARD,
        SETUP_PERSON,
        ADMINISTRATOR,
    )
}

# A right that shows an arm; a test proves that no masked role holds one.
UNMASKING_PERMISSIONS = frozenset({P.OUTCOMES_CLOSED, P.ALLOCATION_REVEAL, P.ALLOCATION_MANAGE})

# Rights over a trial as a whole: a membership that ends at a site never holds them. Import and export end at the site by themselves.
WHOLE_TRIAL_PERMISSIONS = UNMASKING_PERMISSIONS | {P.TRIAL_MANAGE, P.MEMBERS_MANAGE, P.OUTCOMES_OPEN, P.AUDIT_VIEW}


def role_choices() -> list[tuple[str, str]]:
    """Return code and label of every role."""
    return [(role.code, role.label) for role in ROLES.values()]

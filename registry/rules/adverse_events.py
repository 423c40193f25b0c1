"""An adverse event as the doors send it, and what may be wrong with it by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from registry.exceptions import Problem
from registry.vocabulary import AdverseEventTerm, EventAction, EventOutcome, GradingScheme, Relatedness, SeriousCriterion
from registry.wording import _

LONGEST_TERM_TEXT = 200
LONGEST_NOTE = 1000
HIGHEST_GRADE = {GradingScheme.THREE_STEP: 3, GradingScheme.CTCAE: 5}
# What CTCAE calls death: such an event is serious by definition.
FATAL_GRADE = 5
# Events that hold the patient until the investigator has looked at them, whatever their grade.
REPORTED_AT_ONCE = (AdverseEventTerm.SEIZURE, AdverseEventTerm.SYNCOPE)


@dataclass(frozen=True, slots=True)
class NewAdverseEvent:
    """One event to record, in the codes of its trial; `session` is the record of the session it came with."""

    patient: str
    term: AdverseEventTerm
    grade: int
    onset_on: date | None = None
    onset_at: datetime | None = None
    term_text: str = ""
    resolved_on: date | None = None
    serious: bool = False
    serious_criteria: tuple[SeriousCriterion, ...] = ()
    expected: bool | None = None
    relatedness: Relatedness = Relatedness.NOT_ASSESSED
    action: EventAction = EventAction.NOT_RECORDED
    outcome: EventOutcome = EventOutcome.UNKNOWN
    aware_at: datetime | None = None
    session: UUID | None = None
    solicited: bool = False
    needs_report: bool = False
    note: str = ""
    row_id: str = ""
    record: UUID | None = None


def event_problems(row: NewAdverseEvent, scheme: GradingScheme) -> list[Problem]:
    """Return what is wrong with an event by itself, under the trial's one grading scheme."""
    return [*_term_problems(row), *_grade_problems(row, scheme), *_serious_problems(row), *_day_problems(row)]


def _term_problems(row: NewAdverseEvent) -> list[Problem]:
    if row.term is AdverseEventTerm.OTHER and not row.term_text.strip():
        return [Problem("term_text", _("Say what happened, in a few words without names."), "required")]
    if len(row.term_text) > LONGEST_TERM_TEXT:
        return [
            Problem(
                "term_text",
                _("Shorten this to %(longest_term_text)s characters; details belong in the note.")
                % {"longest_term_text": LONGEST_TERM_TEXT},
                "too_long",
            )
        ]
    if len(row.note) > LONGEST_NOTE:
        return [Problem("note", _("Shorten the note to %(longest_note)s characters.") % {"longest_note": LONGEST_NOTE}, "too_long")]
    return []


def _grade_problems(row: NewAdverseEvent, scheme: GradingScheme) -> list[Problem]:
    highest = HIGHEST_GRADE[scheme]
    if not 1 <= row.grade <= highest:
        return [
            Problem(
                "grade",
                _("Enter a grade from 1 to %(highest)s: the trial grades by '%(label)s'.") % {"highest": highest, "label": scheme.label},
                "range",
            )
        ]
    if row.grade == FATAL_GRADE and not row.serious:
        return [Problem("serious", _("Grade 5 is death, which is serious. Mark the event as serious and name the criterion."), "required")]
    return []


def _serious_problems(row: NewAdverseEvent) -> list[Problem]:
    if row.serious and not row.serious_criteria:
        return [Problem("serious_criteria", _("Say what makes the event serious. Choose at least one criterion."), "required")]
    if row.serious_criteria and not row.serious:
        return [
            Problem(
                "serious", _("A criterion is chosen, so the event is serious. Mark it as serious, or take the criterion out."), "required"
            )
        ]
    if len(set(row.serious_criteria)) < len(row.serious_criteria):
        return [Problem("serious_criteria", _("A criterion stands twice. Keep one."), "repeated")]
    return []


def _day_problems(row: NewAdverseEvent) -> list[Problem]:
    found: list[Problem] = []
    if row.onset_on is None and row.onset_at is None:
        found.append(Problem("onset_on", _("Enter the day the event began."), "required"))
    if row.outcome is EventOutcome.FATAL and not row.serious:
        found.append(Problem("serious", _("A fatal event is serious. Mark it as serious and name the criterion."), "required"))
    if row.aware_at is not None and row.onset_at is not None and row.aware_at < row.onset_at:
        found.append(Problem("aware_at", _("The site came to know before the event began. Check both times."), "order"))
    return found

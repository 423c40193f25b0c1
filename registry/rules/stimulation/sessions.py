"""A stimulation session as every door states it: form, REST and import rows all become a NewSession."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from registry.rules.stimulation.timing import Pattern
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationReason,
    Hemisphere,
    IntensityReference,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SessionReason,
    SessionStatus,
    Severity,
    StimulationTarget,
    TreatmentGuess,
)


@dataclass(frozen=True, slots=True)
class NewBlock:
    """One block that was delivered. No target or hemisphere means those prescribed at the same position."""

    pattern: Pattern
    intensity_percent: Decimal
    intensity_reference: IntensityReference = IntensityReference.RMT
    target: StimulationTarget | None = None
    hemisphere: Hemisphere | None = None
    target_text: str = ""


@dataclass(frozen=True, slots=True)
class NewSideEffect:
    """One side effect the patient was asked about and had."""

    term: AdverseEventTerm
    severity: Severity
    relation: Relatedness | None = None
    text: str = ""


class SessionTimes(Protocol):
    """When a session was, and when its pains were asked."""

    @property
    def started_at(self) -> datetime | None: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def for_date(self) -> date | None: ...
    @property
    def pain_before_at(self) -> datetime | None: ...
    @property
    def pain_after_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class NewSession:
    """One session to record, in the codes of its trial; `record` makes a repeat harmless.

    `as_planned` attests that the prescription was given, and then there are no blocks. `anything_new` and `side_effects`
    are None where nobody asked and empty where the answer was none. `threshold` names the measurement used, and
    `threshold_percent_mso` what it was known to be then, if that is not what is on record now; the coil is named only in a
    trial that conceals nothing. The times of the pain questions are optional.
    """

    patient: str
    status: SessionStatus
    number: int | None = None
    period: int = 1
    reason: SessionReason | None = None
    reason_text: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    for_date: date | None = None
    visit: str | None = None
    protocol_version: str | None = None
    as_planned: bool = False
    blocks: tuple[NewBlock, ...] = ()
    threshold: UUID | None = None
    threshold_percent_mso: int | None = None
    stimulator: str | None = None
    coil: str | None = None
    kit_code: str = ""
    hearing_protection: bool | None = None
    coil_matches_threshold: bool | None = None
    pulse_counter: int | None = None
    pain_before: Decimal | None = None
    pain_before_no_answer: NoAnswer | None = None
    pain_before_at: datetime | None = None
    pain_after: Decimal | None = None
    pain_after_no_answer: NoAnswer | None = None
    pain_after_at: datetime | None = None
    anything_new: frozenset[NewSinceLast] | None = None
    anything_new_text: str = ""
    side_effects: tuple[NewSideEffect, ...] | None = None
    guess: TreatmentGuess | None = None
    guess_certainty: int | None = None
    deviation_reason: DeviationReason | None = None
    deviation_text: str = ""
    note: str = ""
    record: UUID | None = None
    row_id: str = ""

    @property
    def stimulated(self) -> bool:
        """Tell whether pulses were delivered, all or some."""
        return self.status in (SessionStatus.GIVEN, SessionStatus.PARTIAL)

    @property
    def attended(self) -> bool:
        """Tell whether the patient was there."""
        return self.status is not SessionStatus.MISSED

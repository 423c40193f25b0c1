"""What is on record about one enrolment in one period, as plain values."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from registry.vocabulary import (
    AnswerState,
    Cohort,
    DispositionKind,
    DispositionReason,
    PlanPain,
    RecallPeriod,
    ScoreContext,
    ScoreSource,
)


@dataclass(frozen=True, slots=True)
class Score:
    """One version of one pain score. `pain` None is a pain other than the primary one."""

    record: int
    value_units: int
    recorded_at: datetime
    scale: str
    scale_version: str = "1"
    recall: RecallPeriod = RecallPeriod.AVERAGE_24H
    pain: PlanPain | None = PlanPain.OVERALL
    context: ScoreContext = ScoreContext.DIARY
    source: ScoreSource = ScoreSource.DIARY
    answer_state: AnswerState = AnswerState.ON_TIME
    for_date: date | None = None
    observed_at: datetime | None = None
    visit_code: str | None = None
    scheduled: bool = True
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One version of one sitting. Pulses are those delivered, by a sham coil like by any other."""

    on: date
    pulses: int
    recorded_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disposition:
    """A turn of an enrolment's way; published data often have no date for it."""

    kind: DispositionKind
    on: date | None
    reason: DispositionReason = DispositionReason.NOT_RECORDED


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """One enrolment in one period. `allocated` may be true without a date."""

    enrolled_on: date | None = None
    allocated: bool = False
    allocated_on: date | None = None
    next_period_on: date | None = None
    cohort: Cohort = Cohort.PATIENTS
    dispositions: tuple[Disposition, ...] = ()
    scores: tuple[Score, ...] = ()
    sessions: tuple[Session, ...] = ()

    def disposition(self, kind: DispositionKind) -> Disposition | None:
        """Return the disposition of this kind, if there is one."""
        return next((turn for turn in self.dispositions if turn.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The instant before which records count, in the trial's zone. `all_due`: finished or finally locked trials."""

    at: datetime
    zone: tzinfo
    all_due: bool = False

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("the cut-off needs a time zone")

    @property
    def civil_date(self) -> date:
        """Return the civil date of the instant in the trial's zone."""
        return self.at.astimezone(self.zone).date()

    def sees(self, version: Score | Session) -> bool:
        """Tell whether a version stood at the instant: written before, and neither corrected nor voided before."""
        ended = version.ended_at is not None and version.ended_at < self.at
        return version.recorded_at < self.at and not ended

    @property
    def last_day(self) -> date:
        """Return the last civil date of which something lies before the instant: at midnight, the day that ended."""
        return (self.at.astimezone(UTC) - timedelta(microseconds=1)).astimezone(self.zone).date()

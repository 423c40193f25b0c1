"""Population, anchor, windows and when a time point is due (R1, R3, R4, R10, R11)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from registry.rules.response.plan import Plan, TimePoint
from registry.rules.response.record import Cutoff, PatientRecord, Session
from registry.vocabulary import Anchor, Cohort, Population


@dataclass(frozen=True, slots=True)
class AnchorDay:
    """Day 0 of an enrolment. `fallback`: another date than the plan names stands in; `on` is None without any date."""

    on: date | None
    fallback: bool

    def day(self, on: date | None) -> int | None:
        """Return the day number of a date."""
        return None if on is None or self.on is None else (on - self.on).days

    def date_of(self, day: int | None) -> date | None:
        """Return the date of a day number."""
        return None if day is None or self.on is None else self.on + timedelta(days=day)


def in_population(plan: Plan, record: PatientRecord, cutoff: Cutoff) -> bool:
    """Tell whether the enrolment is analysed at all (R11); comparison groups never are.

    A date after the cut-off has not happened yet; a missing enrolment or allocation date has.
    """
    if record.cohort != Cohort.PATIENTS or not _happened(record.enrolled_on, cutoff):
        return False
    match plan.population:
        case Population.ALLOCATED:
            return _is_allocated(record, cutoff)
        case Population.TREATED:
            return stimulated_on(record, cutoff) is not None
        case Population.ENROLLED:
            return True


def anchor_day(plan: Plan, record: PatientRecord, cutoff: Cutoff) -> AnchorDay:
    """Return day 0 (R1): what the plan names, else the allocation, else the enrolment."""
    started_on = stimulated_on(record, cutoff)
    if plan.anchor == Anchor.FIRST_STIMULATION and started_on is not None:
        return AnchorDay(started_on, fallback=False)
    if _is_allocated(record, cutoff) and record.allocated_on is not None:
        return AnchorDay(record.allocated_on, fallback=plan.anchor != Anchor.ALLOCATION)
    return AnchorDay(record.enrolled_on, fallback=True)


def in_baseline_window(plan: Plan, day: int | None) -> bool:
    """Tell whether a day belongs to the baseline; day 0 only where the plan lets it, whatever the window says."""
    if day is None or plan.baseline.first_day is None or plan.baseline.last_day is None:
        return False
    if day >= 0:
        return day == 0 and plan.counts_day0
    return plan.baseline.first_day <= day <= plan.baseline.last_day


def in_window(time_point: TimePoint, day: int | None) -> bool:
    """Tell whether a day belongs to the time point's closed window."""
    if day is None or time_point.first_day is None or time_point.last_day is None:
        return False
    return time_point.first_day <= day <= time_point.last_day


def is_due(plan: Plan, time_point: TimePoint, anchor: AnchorDay, cutoff: Cutoff) -> bool:
    """Tell whether the window and its grace ended before the cut-off date (R10).

    A visit code without days, and a record without any date, fall due only when everything does.
    """
    if cutoff.all_due:
        return True
    window_end = anchor.date_of(time_point.last_day)
    return window_end is not None and window_end + timedelta(days=plan.grace_days) < cutoff.civil_date


def stimulated_on(record: PatientRecord, cutoff: Cutoff) -> date | None:
    """Return the date of the first session with delivered pulses (R1), None if there is none by the cut-off."""
    return min((session.on for session in _stimulations(record, cutoff)), default=None)


def stimulated_at(record: PatientRecord, cutoff: Cutoff) -> datetime | None:
    """Return when the first of them started; None where that of any on its day is not known, since that one may be the first."""
    first_on = stimulated_on(record, cutoff)
    starts = [session.started_at for session in _stimulations(record, cutoff) if session.on == first_on]
    known = [start for start in starts if start is not None]
    return min(known, default=None) if len(known) == len(starts) else None


def _is_allocated(record: PatientRecord, cutoff: Cutoff) -> bool:
    return record.allocated and _happened(record.allocated_on, cutoff)


def _stimulations(record: PatientRecord, cutoff: Cutoff) -> list[Session]:
    return [session for session in record.sessions if session.pulses > 0 and cutoff.sees(session) and _happened(session.on, cutoff)]


def _happened(on: date | None, cutoff: Cutoff) -> bool:
    return on is None or on <= cutoff.last_day

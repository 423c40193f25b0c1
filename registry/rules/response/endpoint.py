"""One enrolment at one time point: values, status and why there is none (R8, R11 to R16)."""

from dataclasses import dataclass
from datetime import date

from registry.rules.response.candidates import Measurement, baseline_of, candidates, value_at
from registry.rules.response.plan import Plan
from registry.rules.response.record import Cutoff, PatientRecord
from registry.rules.response.windows import AnchorDay, anchor_day, in_population, is_due
from registry.vocabulary import DispositionKind, EndpointStatus, MissingReason, Strategy

# The first that happened by the window's end names the reason for a window without any value.
_REASONS = (
    (DispositionKind.WITHDRAWAL_OF_CONSENT, MissingReason.WITHDRAWN),
    (DispositionKind.LOST, MissingReason.LOST),
    (DispositionKind.END_OF_FOLLOW_UP, MissingReason.ENDED),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What one enrolment yields at one time point; `carried` is the earlier endpoint value LOCF takes, None for the baseline."""

    time_point: str
    anchor: AnchorDay
    status: EndpointStatus
    reason: MissingReason | None
    baseline: Measurement
    value: Measurement
    carried: Measurement | None

    @property
    def could_change(self) -> bool:
        """Tell whether it is due, alive and has a baseline, 0 included (R12, R13)."""
        return self.baseline.enough and self.status not in (EndpointStatus.NOT_DUE, EndpointStatus.DIED)

    @property
    def has_change(self) -> bool:
        """Tell whether it enters means of observed value and change."""
        return self.could_change and self.value.enough


@dataclass(frozen=True, slots=True)
class _Course:
    """The measurements of one record, in the plan's order, and where its dispositions fall."""

    plan: Plan
    record: PatientRecord
    cutoff: Cutoff
    anchor: AnchorDay
    baseline: Measurement
    values: tuple[Measurement, ...]

    def happened_by(self, kind: DispositionKind, position: int) -> bool:
        """Tell whether a disposition of this kind is on record and lies at or before the time point's last day."""
        turn = self.record.disposition(kind)
        return turn is not None and self._lies_by(turn.on, position)

    def carried_to(self, position: int) -> Measurement | None:
        """Return the value of the latest earlier time point (R16).

        Nothing is carried to a time point whose last day lies in open label or in the next period: there the baseline
        stands in.
        """
        period_over = self.record.next_period_on is not None and self._lies_by(self.record.next_period_on, position)
        if period_over or self.happened_by(DispositionKind.OPEN_LABEL_SWITCH, position):
            return None
        return next((value for value in reversed(self.values[:position]) if value.enough), None)

    def _lies_by(self, on: date | None, position: int) -> bool:
        """Place a date before the end of a time point; without both dates, after the last time point that has a value."""
        window_end = self.anchor.date_of(self.plan.time_points[position].last_day)
        if on is not None and window_end is not None:
            return on <= window_end
        return not any(value.enough for value in self.values[position:])


def endpoints(plan: Plan, record: PatientRecord, cutoff: Cutoff) -> tuple[Endpoint, ...]:
    """Return one endpoint per time point in the plan's order; none for a record outside the population."""
    if not in_population(plan, record, cutoff):
        return ()
    anchor = anchor_day(plan, record, cutoff)
    found = candidates(plan, record, anchor, cutoff)
    values = tuple(value_at(plan, time_point, found) for time_point in plan.time_points)
    course = _Course(plan, record, cutoff, anchor, baseline_of(plan, record, cutoff, found), values)
    return tuple(_endpoint(course, position) for position in range(len(values)))


def _endpoint(course: _Course, position: int) -> Endpoint:
    status = _status(course, position)
    return Endpoint(
        time_point=course.plan.time_points[position].code,
        anchor=course.anchor,
        status=status,
        reason=_reason(course, position) if status == EndpointStatus.MISSING else None,
        baseline=course.baseline,
        value=course.values[position],
        carried=course.carried_to(position),
    )


def _status(course: _Course, position: int) -> EndpointStatus:
    """Return the first of R11 that matches."""
    if not is_due(course.plan, course.plan.time_points[position], course.anchor, course.cutoff):
        return EndpointStatus.NOT_DUE
    if course.happened_by(DispositionKind.DEATH, position):
        return EndpointStatus.DIED
    if not course.baseline.enough:
        return EndpointStatus.NO_BASELINE
    if course.baseline.sum_units == 0:
        return EndpointStatus.BASELINE_ZERO
    if _stopped(course, position):
        return EndpointStatus.COMPOSITE_STOP
    return EndpointStatus.OBSERVED if course.values[position].enough else EndpointStatus.MISSING


def _stopped(course: _Course, position: int) -> bool:
    stop = course.record.disposition(DispositionKind.STOP_OF_STIMULATION)
    if course.plan.strategy != Strategy.COMPOSITE or stop is None or stop.reason not in course.plan.composite_reasons:
        return False
    return course.happened_by(DispositionKind.STOP_OF_STIMULATION, position)


def _reason(course: _Course, position: int) -> MissingReason:
    """Return why there is no value: too few of them (R8), else what ended follow-up by the window's end, else none."""
    if course.values[position].n > 0:
        return MissingReason.TOO_FEW
    reasons = (reason for kind, reason in _REASONS if course.happened_by(kind, position))
    return next(reasons, MissingReason.NONE)

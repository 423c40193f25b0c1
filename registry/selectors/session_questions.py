"""What a session form asks of one patient: the plan, the last threshold, the sessions before; every read begins with the person's sight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

from django.db.models import F, Q, QuerySet, Sum

from registry.models import Coil, CoilConversion, Enrolment, EnrolmentPain, MotorThreshold, Scale, StimulationSession, Stimulator, User
from registry.selectors.pain_course import current_plan
from registry.selectors.prescriptions import Prescribed, allocation_of, prescribed_for
from registry.vocabulary import ThresholdKind


@dataclass(frozen=True)
class SessionQuestion:
    """The form of one session of one patient on one day."""

    enrolment: Enrolment
    number: int
    on: date
    prescribed: Prescribed | None
    kit_code: str
    pain: EnrolmentPain | None
    scale: Scale | None
    threshold: MotorThreshold | None
    course_before: int
    last_on: date | None
    coils: list[Coil]
    stimulators: list[Stimulator]
    # By which factor the trial carries a threshold over from one coil model to another.
    conversions: dict[tuple[str, str], Decimal]
    # A correction begins with the threshold that was used, whatever its age.
    holds: bool = False
    # What that threshold was known to be at the session: a later correction of the threshold does not change what was set.
    percent_then: int | None = None

    @property
    def asks_coil(self) -> bool:
        """Tell whether the coil used is asked for: nothing is concealed, and there are coils to choose from."""
        return not self.enrolment.trial.masked and bool(self.coils)

    @property
    def is_last(self) -> bool:
        """Tell whether this is the last planned session, at which the patient is asked for a guess."""
        return self.prescribed is not None and self.number == self.prescribed.session_count

    @property
    def threshold_age_days(self) -> int | None:
        """Return how old the last threshold is."""
        return None if self.threshold is None else (self.on - self.threshold.measured_on).days

    @property
    def threshold_limit_days(self) -> int | None:
        """Return how old it may be, None where nothing is prescribed."""
        return None if self.prescribed is None else self.prescribed.prescription.threshold_max_age_days

    @property
    def threshold_percent(self) -> int | None:
        """Return the last threshold in % of maximum output; in a correction, as the session was given under it."""
        if self.percent_then is not None:
            return self.percent_then
        return None if self.threshold is None else self.threshold.percent_mso

    @property
    def usable_threshold(self) -> MotorThreshold | None:
        """Return the last threshold while it may be used: not past its age, and at the first session only one of that day."""
        age, limit = self.threshold_age_days, self.threshold_limit_days
        if self.holds:
            return self.threshold
        if age is None or age < 0 or (self.number == 1 and age > 0):
            return None
        return self.threshold if limit is None or age <= limit else None

    @property
    def course_planned(self) -> int | None:
        """Return the pulses of the whole planned course."""
        return None if self.prescribed is None else self.prescribed.pulses * self.prescribed.session_count


def session_question(
    user: User, enrolment: Enrolment, *, number: int, on: date, correcting: StimulationSession | None = None
) -> SessionQuestion:
    """Return the question of a session; one that is being corrected keeps its threshold and is none of those before it."""
    before = StimulationSession.objects.visible_to(user).current().filter(enrolment=enrolment)
    used = None if correcting is None else correcting.threshold
    coils = coils_at(enrolment)
    if correcting is not None:
        coils += [correcting.coil] if correcting.coil is not None and correcting.coil not in coils else []
        before = before.exclude(record=correcting.record)
    attended = before.exclude(started_at__isnull=True).filter(for_date__lte=on)
    allocation = allocation_of(enrolment)
    return SessionQuestion(
        enrolment=enrolment,
        number=number,
        on=on,
        prescribed=prescribed_for(enrolment, on),
        kit_code="" if allocation is None else allocation.kit_code,
        pain=EnrolmentPain.objects.filter(enrolment=enrolment, rank=1).select_related("diagnosis").first(),
        scale=session_scale(enrolment),
        threshold=used or last_threshold(user, enrolment, on),
        holds=used is not None,
        percent_then=None if used is None or correcting is None else correcting.threshold_percent_mso,
        course_before=before.aggregate(pulses=Sum("pulses_delivered"))["pulses"] or 0,
        last_on=attended.order_by("-for_date").values_list("for_date", flat=True).first(),
        coils=coils,
        stimulators=stimulators_at(enrolment),
        conversions=conversions_of(enrolment),
    )


def coils_at(enrolment: Enrolment) -> list[Coil]:
    """Return the coils in use where the patient is treated."""
    return list(Coil.objects.filter(_at_site(enrolment)).order_by("code"))


def stimulators_at(enrolment: Enrolment) -> list[Stimulator]:
    """Return the stimulators in use where the patient is treated."""
    return list(Stimulator.objects.filter(_at_site(enrolment)).order_by("code"))


def conversions_of(enrolment: Enrolment) -> dict[tuple[str, str], Decimal]:
    """Return the factors the trial states between coil models, measured with and used."""
    rows = CoilConversion.objects.filter(trial=enrolment.trial_id)
    return {(one.from_model, one.to_model): one.factor for one in rows}


def _at_site(enrolment: Enrolment) -> Q:
    return Q(trial=enrolment.trial_id, retired_on__isnull=True) & (Q(site__isnull=True) | Q(site=enrolment.site_id))


def last_threshold(user: User, enrolment: Enrolment, on: date) -> MotorThreshold | None:
    """Return the patient's latest resting threshold up to a day."""
    rows = cast("QuerySet[MotorThreshold]", MotorThreshold.objects.visible_to(user).current())
    found = rows.filter(enrolment=enrolment, kind=ThresholdKind.RESTING, measured_on__lte=on).select_related("coil", "stimulator")
    return found.order_by("-measured_on", F("measured_at").desc(nulls_last=True), "-pk").first()


def session_scale(enrolment: Enrolment) -> Scale | None:
    """Return the scale on which pain is asked before and after: the plan's, else the trial's first."""
    plan = current_plan(enrolment)
    if plan is not None:
        return plan.scale
    return Scale.objects.filter(trial=enrolment.trial_id).order_by("code", "version").first()

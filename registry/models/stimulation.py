"""What the protocol prescribes, and what was delivered: sessions of ordered blocks, deviations, drafts."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from registry.models.columns import NewUuid, word_column
from registry.models.devices import Coil, Stimulator
from registry.models.history import tracked
from registry.models.patients import Enrolment
from registry.models.records import RecordQuerySet, VersionedRecord, version_constraints
from registry.models.thresholds import MotorThreshold
from registry.models.trials import ProtocolVersion, Treatment, VisitType
from registry.rules.stimulation import Pattern
from registry.vocabulary import (
    DeviationKind,
    DeviationReason,
    Hemisphere,
    HemisphereRule,
    IntensityReference,
    NewSinceLast,
    NoAnswer,
    SessionReason,
    SessionStatus,
    StimulationTarget,
    TreatmentGuess,
)


class PulsePattern(models.Model):
    """Pulses, bursts, trains: what people set. Totals and durations are derived (registry.rules.stimulation), never stored.

    A burst of one pulse makes `frequency_hz` the rate of pulses and `bursts_per_train` the pulses of a train.
    """

    frequency_hz = models.DecimalField(max_digits=7, decimal_places=3)
    pulses_per_burst = models.PositiveSmallIntegerField(default=1)
    intra_burst_hz = models.DecimalField(max_digits=7, decimal_places=3, null=True)
    bursts_per_train = models.PositiveIntegerField()
    trains = models.PositiveSmallIntegerField()
    # Silence from the end of one train's last interval to the next train.
    gap_s = models.DecimalField(max_digits=7, decimal_places=3)
    intensity_percent = models.DecimalField(max_digits=5, decimal_places=1)
    intensity_reference = word_column(IntensityReference, default=IntensityReference.RMT)

    class Meta:
        abstract = True

    @property
    def pattern(self) -> Pattern:
        """Return the pattern as the rules know it."""
        return Pattern(self.frequency_hz, self.bursts_per_train, self.trains, self.gap_s, self.pulses_per_burst, self.intra_burst_hz)


def pattern_constraints(name: str, *, trains_from: int) -> list[models.BaseConstraint]:
    """Return the constraints of a pattern; a delivered block may have ended before its first train."""
    return [
        models.CheckConstraint(name=f"{name}_frequency_range", condition=models.Q(frequency_hz__gt=0) & models.Q(frequency_hz__lte=1000)),
        models.CheckConstraint(
            name=f"{name}_burst_has_rate",
            condition=models.Q(pulses_per_burst=1, intra_burst_hz__isnull=True)
            | models.Q(pulses_per_burst__gt=1, intra_burst_hz__isnull=False, intra_burst_hz__gt=models.F("frequency_hz")),
        ),
        models.CheckConstraint(name=f"{name}_has_pulses", condition=models.Q(bursts_per_train__gte=1) & models.Q(trains__gte=trains_from)),
        models.CheckConstraint(name=f"{name}_gap_range", condition=models.Q(gap_s__gte=0)),
        models.CheckConstraint(
            name=f"{name}_intensity_range", condition=models.Q(intensity_percent__gte=0) & models.Q(intensity_percent__lte=200)
        ),
    ]


@tracked()
class Prescription(models.Model):
    """What one version of the protocol prescribes for a visible treatment; none named means all of them."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="prescriptions")
    treatment = models.ForeignKey(Treatment, models.PROTECT, null=True, related_name="prescriptions")
    # Days of planned sessions from the anchor (day 0); the number of planned sessions is their count.
    session_days = ArrayField(models.SmallIntegerField(), default=list)
    # How old a threshold may be; 0 asks for one at every session.
    threshold_max_age_days = models.PositiveSmallIntegerField(default=7)
    # From which share of planned pulses a session counts as received.
    received_percent = models.PositiveSmallIntegerField(default=80)
    source = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["protocol_version", "treatment"], nulls_distinct=False, name="prescription_unique"),
            models.CheckConstraint(name="prescription_received_percent", condition=models.Q(received_percent__range=(1, 100))),
        ]


@tracked()
class PrescribedBlock(PulsePattern):
    """One block of a prescription, in order: one pattern at one target."""

    prescription = models.ForeignKey(Prescription, models.PROTECT, related_name="blocks")
    position = models.PositiveSmallIntegerField()
    target = word_column(StimulationTarget)
    target_text = models.CharField(max_length=120, blank=True)
    hemisphere = word_column(HemisphereRule)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["prescription", "position"], name="prescribed_block_position_unique"),
            *pattern_constraints("prescribed_block", trains_from=1),
        ]


class SessionQuerySet(RecordQuerySet["StimulationSession"]):
    """Reads of sessions begin here."""


@tracked()
class StimulationSession(VersionedRecord):
    """One version of one sitting. Pains before and after are pain scores, side effects adverse events; both point here by record."""

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="sessions")
    # The planned session it was; none for an additional one.
    number = models.PositiveSmallIntegerField(null=True)
    period = models.PositiveSmallIntegerField(default=1)
    visit_type = models.ForeignKey(VisitType, models.PROTECT, null=True, related_name="+")
    prescription = models.ForeignKey(Prescription, models.PROTECT, null=True, related_name="+")
    status = word_column(SessionStatus)
    reason = word_column(SessionReason, blank=True, default="")
    reason_text = models.CharField(max_length=500, blank=True)
    for_date = models.DateField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    zone = models.CharField(max_length=60, blank=True)
    operator = models.ForeignKey("registry.User", models.PROTECT, null=True, related_name="+")
    # The threshold used, its value then, and the factor by which it was carried over to the session's coil model.
    threshold = models.ForeignKey(MotorThreshold, models.PROTECT, null=True, related_name="+")
    threshold_percent_mso = models.PositiveSmallIntegerField(null=True)
    threshold_factor = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    stimulator = models.ForeignKey(Stimulator, models.PROTECT, null=True, related_name="+")
    # Only in a trial that conceals nothing; elsewhere the kit stands for it.
    coil = models.ForeignKey(Coil, models.PROTECT, null=True, related_name="+")
    kit_code = models.CharField(max_length=20, blank=True)
    kit_matches = models.BooleanField(null=True)
    coil_matches_threshold = models.BooleanField(null=True)
    hearing_protection = models.BooleanField(null=True)
    pulse_counter = models.PositiveIntegerField(null=True)
    # Derived from the blocks when written, so that a report need not walk them.
    pulses_planned = models.PositiveIntegerField(null=True)
    pulses_delivered = models.PositiveIntegerField(default=0)
    pain_before_record = models.UUIDField(null=True)
    pain_before_no_answer = word_column(NoAnswer, blank=True, default="")
    pain_after_record = models.UUIDField(null=True)
    pain_after_no_answer = word_column(NoAnswer, blank=True, default="")
    # None: not asked. Empty: asked, nothing new.
    new_since_last = ArrayField(models.CharField(max_length=40, choices=NewSinceLast.choices()), null=True)
    new_since_last_text = models.CharField(max_length=200, blank=True)
    # Whether side effects were asked about; those there were are adverse events.
    side_effects_asked = models.BooleanField(default=False)
    # The operator attested the prescription instead of typing values.
    as_planned = models.BooleanField(default=False)
    note = models.CharField(max_length=500, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["for_date", "pk"]
        constraints = [
            *version_constraints("session"),
            models.UniqueConstraint(
                fields=["enrolment", "period", "number"],
                condition=models.Q(ended_at__isnull=True, number__isnull=False),
                name="session_number_unique",
            ),
            models.CheckConstraint(
                name="session_pulses_by_status",
                condition=~models.Q(status__in=[SessionStatus.NOT_GIVEN, SessionStatus.MISSED]) | models.Q(pulses_delivered=0),
            ),
            models.CheckConstraint(
                name="session_reason_by_status",
                condition=models.Q(status=SessionStatus.GIVEN, reason="") | (~models.Q(status=SessionStatus.GIVEN) & ~models.Q(reason="")),
            ),
            models.CheckConstraint(
                name="session_finishes_after_it_starts",
                condition=models.Q(started_at__isnull=True)
                | models.Q(finished_at__isnull=True)
                | models.Q(finished_at__gte=models.F("started_at")),
            ),
            models.CheckConstraint(
                name="session_threshold_within_output",
                condition=models.Q(threshold_percent_mso__isnull=True) | models.Q(threshold_percent_mso__range=(1, 100)),
            ),
        ]
        indexes = [models.Index(fields=["enrolment", "for_date"], name="session_enrolment_day")]


@tracked()
class StimulationBlock(PulsePattern):
    """One block as delivered, of one version of a session. A train that was cut short is a block of its own."""

    session = models.ForeignKey(StimulationSession, models.PROTECT, related_name="blocks")
    position = models.PositiveSmallIntegerField()
    target = word_column(StimulationTarget)
    target_text = models.CharField(max_length=120, blank=True)
    hemisphere = word_column(Hemisphere)
    # The setting of the stimulator, derived from threshold and intensity, half up.
    setting_percent_mso = models.PositiveSmallIntegerField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["session", "position"], name="block_position_unique"),
            *pattern_constraints("block", trains_from=0),
            models.CheckConstraint(
                name="block_setting_within_output",
                condition=models.Q(setting_percent_mso__isnull=True) | models.Q(setting_percent_mso__range=(0, 100)),
            ),
        ]


@tracked()
class SessionDeviation(models.Model):
    """In what one version of a session differs from its prescription, and why."""

    session = models.ForeignKey(StimulationSession, models.PROTECT, related_name="deviations")
    position = models.PositiveSmallIntegerField(null=True)
    kind = word_column(DeviationKind)
    prescribed = models.CharField(max_length=80, blank=True)
    delivered = models.CharField(max_length=80, blank=True)
    reason = word_column(DeviationReason)
    reason_text = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["session", "position", "kind"], nulls_distinct=False, name="deviation_unique"),
            models.CheckConstraint(
                name="deviation_other_has_text", condition=~models.Q(reason=DeviationReason.OTHER) | ~models.Q(reason_text="")
            ),
        ]


@tracked()
class MaskingGuess(models.Model):
    """What a patient believed they got, asked at the last session; kept apart from the session, unread by who treats."""

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="masking_guesses")
    session_record = models.UUIDField(unique=True)
    guess = word_column(TreatmentGuess)
    certainty = models.PositiveSmallIntegerField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="guess_certainty_range", condition=models.Q(certainty__isnull=True) | models.Q(certainty__range=(0, 10))
            )
        ]


class SessionDraft(models.Model):
    """Answers of a session not saved yet, kept from the first entry; its uuid becomes the session's record.

    Without history: nothing of it counts before it is saved, and what is saved has its own.
    """

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, related_name="session_drafts")
    number = models.PositiveSmallIntegerField(null=True)
    opened_by = models.ForeignKey("registry.User", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    updated_by = models.ForeignKey("registry.User", models.PROTECT, related_name="+")
    # Counts saves of the draft; a save names the version it was made from.
    version = models.PositiveIntegerField(default=1)
    answers = models.JSONField(default=dict)
    submitted_at = models.DateTimeField(null=True)
    discarded_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["enrolment", "updated_at"], name="draft_enrolment_time")]

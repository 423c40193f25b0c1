"""A trial: sites, visible treatments, versioned protocol and analysis plan, visit types, epochs."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

from registry.models.columns import NewUuid, word_column
from registry.models.history import tracked
from registry.vocabulary import (
    Anchor,
    Conduct,
    EpochKind,
    GradingScheme,
    PlanPain,
    Population,
    RecallPeriod,
    ReportDay,
    ScaleKind,
    Strategy,
    TimePointKind,
    TrialDesign,
    ValueRule,
)

if TYPE_CHECKING:
    from registry.models.accounts import User

CODE = RegexValidator(r"^[A-Za-z0-9_.-]{1,40}\Z", "Use 1 to 40 letters, digits, dots, dashes or underscores.")
SLUG = RegexValidator(r"^[a-z0-9][a-z0-9_-]{0,39}\Z", "Use 1 to 40 small letters, digits, dashes or underscores.")


class TrialQuerySet(models.QuerySet["Trial"]):
    """Reads of trials begin here."""

    def visible_to(self, user: User) -> Self:
        """Keep the trials the person is a member of; a registry-wide membership sees all."""
        memberships = user.current_memberships()
        if any(membership.trial_id is None for membership in memberships):
            return self
        return self.filter(pk__in=[membership.trial_id for membership in memberships])


@tracked()
class Trial(models.Model):
    """A trial or cohort. `masked` trials conceal parts of treatment; `pooled_efficacy` lets masked roles see pooled outcomes."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    slug = models.CharField(max_length=40, unique=True, validators=[SLUG])
    name = models.CharField(max_length=80)
    title = models.CharField(max_length=400, blank=True)
    conduct = word_column(Conduct)
    design = word_column(TrialDesign)
    time_zone = models.CharField(max_length=60, default="UTC")
    masked = models.BooleanField(default=True)
    pooled_efficacy = models.BooleanField(default=False)
    registry_number = models.CharField(max_length=80, blank=True)
    sponsor = models.CharField(max_length=200, blank=True)
    contact = models.CharField(max_length=200, blank=True)
    synthetic = models.BooleanField(default=False)
    grading_scheme = word_column(GradingScheme, default=GradingScheme.THREE_STEP)
    planned_participants = models.PositiveIntegerField(null=True)
    recruitment_starts_on = models.DateField(null=True)
    recruitment_ends_on = models.DateField(null=True)
    # When the report of the week that ended is made, in the trial's zone.
    report_day = word_column(ReportDay, default=ReportDay.MONDAY)
    report_hour = models.PositiveSmallIntegerField(default=6)
    decoded_at = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = TrialQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="trial_slug_form", condition=models.Q(slug__regex=r"^[a-z0-9][a-z0-9_-]{0,39}$")),
            models.CheckConstraint(name="trial_report_hour", condition=models.Q(report_hour__lte=23)),
            models.CheckConstraint(
                name="trial_recruitment_ends_after_it_starts",
                condition=models.Q(recruitment_starts_on__isnull=True)
                | models.Q(recruitment_ends_on__isnull=True)
                | models.Q(recruitment_ends_on__gt=models.F("recruitment_starts_on")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Return the trial's time zone."""
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def is_decoded(self) -> bool:
        """Tell whether arms may be named in closed documents; finished trials are."""
        return not self.masked or self.conduct == Conduct.RETROSPECTIVE or self.decoded_at is not None

    @property
    def shows_efficacy(self) -> bool:
        """Tell whether everybody who reads open outcomes may see pooled response at present (specification 2.4)."""
        return self.pooled_efficacy or self.is_decoded

    @property
    def charter_has_ended(self) -> bool:
        """Tell whether the charter's dates hold no more: nothing comes in any longer, or arms were decoded."""
        return self.all_due or self.decoded_at is not None

    @property
    def all_due(self) -> bool:
        """Tell whether every time point is due whatever the date (R10): finished or locked trials."""
        return self.conduct == Conduct.RETROSPECTIVE or self.locked_at is not None


class SiteQuerySet(models.QuerySet["Site"]):
    """Reads of sites begin here."""

    def visible_to(self, user: User) -> Self:
        """Keep the sites that one of the person's memberships covers."""
        allowed = models.Q(pk__in=[])
        for membership in user.current_memberships():
            if membership.trial_id is None:
                return self
            allowed |= models.Q(pk=membership.site_id) if membership.site_id else models.Q(trial_id=membership.trial_id)
        return self.filter(allowed)


@tracked()
class Site(models.Model):
    """A place that treats patients of one trial."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    trial = models.ForeignKey(Trial, models.PROTECT, related_name="sites")
    code = models.CharField(max_length=40, validators=[CODE])
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=60, blank=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "code"], name="site_code_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Return the site's time zone, else the trial's."""
        return zoneinfo.ZoneInfo(self.time_zone or self.trial.time_zone)


@tracked()
class Treatment(models.Model):
    """The visible treatment (strand): what differs to the eye, such as target or protocol. The concealed part is in the closed room."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="treatments")
    code = models.CharField(max_length=40, validators=[CODE])
    label = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "code"], name="treatment_code_unique")]

    def __str__(self) -> str:
        return self.label


@tracked()
class ProtocolVersion(models.Model):
    """One version of the protocol; never edited once used, only followed by a new one."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="protocol_versions")
    version = models.CharField(max_length=40, validators=[CODE])
    effective_from = models.DateField(null=True)
    summary = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "version"], name="protocol_version_unique")]


@tracked()
class ProtocolApproval(models.Model):
    """The date an ethics committee approved a protocol version for a site."""

    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="approvals")
    site = models.ForeignKey(Site, models.PROTECT, related_name="approvals")
    approved_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["protocol_version", "site"], name="protocol_approval_unique")]


@tracked()
class Epoch(models.Model):
    """A stretch of the versioned schedule, in whole days from the anchor (anchor day = 0); an open end has no last day."""

    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="epochs")
    position = models.PositiveSmallIntegerField()
    kind = word_column(EpochKind)
    period = models.PositiveSmallIntegerField(default=1)
    first_day = models.IntegerField()
    last_day = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["protocol_version", "position"], name="epoch_position_unique"),
            models.CheckConstraint(
                name="epoch_ends_after_it_begins",
                condition=models.Q(last_day__isnull=True) | models.Q(last_day__gte=models.F("first_day")),
            ),
        ]


@tracked()
class VisitType(models.Model):
    """A named visit of the schedule; the target day is optional, since published data often have no dates."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="visit_types")
    code = models.CharField(max_length=40, validators=[CODE])
    label = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField()
    target_day = models.IntegerField(null=True)
    days_before = models.PositiveSmallIntegerField(default=0)
    days_after = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["trial", "code"], name="visit_type_code_unique"),
            models.UniqueConstraint(fields=["trial", "position"], name="visit_type_position_unique", deferrable=models.Deferrable.DEFERRED),
        ]

    def __str__(self) -> str:
        return self.label


@tracked()
class CharterLook(models.Model):
    """A look at efficacy by arm that the board's charter plans; never deleted, one that will not be is called off (decision 0014)."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    trial = models.ForeignKey(Trial, models.PROTECT, related_name="looks")
    code = models.CharField(max_length=40, validators=[CODE])
    label = models.CharField(max_length=120)
    planned_on = models.DateField()
    called_off = models.BooleanField(default=False)

    class Meta:
        ordering = ["planned_on", "code"]
        constraints = [models.UniqueConstraint(fields=["trial", "code"], name="charter_look_code_unique")]

    def __str__(self) -> str:
        return self.label


@tracked()
class Scale(models.Model):
    """How a pain score is measured. `step` empty means values are as published (up to six decimals)."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="scales")
    code = models.CharField(max_length=40, validators=[CODE])
    version = models.CharField(max_length=40, default="1", validators=[CODE])
    label = models.CharField(max_length=120)
    kind = word_column(ScaleKind)
    minimum = models.DecimalField(max_digits=12, decimal_places=6)
    maximum = models.DecimalField(max_digits=12, decimal_places=6)
    step = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    zero_means_none = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "code", "version"], name="scale_code_unique"),
            models.CheckConstraint(name="scale_range", condition=models.Q(minimum__lt=models.F("maximum"))),
            models.CheckConstraint(name="scale_step_positive", condition=models.Q(step__isnull=True) | models.Q(step__gt=0)),
            # Sums of scores in 10^-6 units times thresholds stay inside bigint only below this.
            models.CheckConstraint(name="scale_within_arithmetic", condition=models.Q(minimum__gte=-1000) & models.Q(maximum__lte=1000)),
        ]

    def __str__(self) -> str:
        return self.label


@tracked()
class AnalysisPlan(models.Model):
    """One version of how response is decided (specification R1 to R18); a used version is followed, never edited."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="plans")
    version = models.CharField(max_length=40, validators=[CODE])
    created_at = models.DateTimeField(db_default=Now())
    scale = models.ForeignKey(Scale, models.PROTECT, related_name="plans")
    recall = word_column(RecallPeriod)
    pain = word_column(PlanPain)
    contexts = ArrayField(models.CharField(max_length=20))
    sources = ArrayField(models.CharField(max_length=20))
    anchor = word_column(Anchor)
    population = word_column(Population)
    strategy = word_column(Strategy)
    composite_reasons = ArrayField(models.CharField(max_length=40), default=list)
    baseline_kind = word_column(TimePointKind)
    baseline_first_day = models.IntegerField(null=True)
    baseline_last_day = models.IntegerField(null=True)
    baseline_visit_type = models.ForeignKey(VisitType, models.PROTECT, null=True, related_name="+")
    baseline_rule = word_column(ValueRule)
    baseline_min_n = models.PositiveSmallIntegerField()
    day0_pre = models.BooleanField(default=False)
    thresholds_tenths = ArrayField(models.PositiveSmallIntegerField())
    accept_late = models.BooleanField(default=False)
    grace_days = models.PositiveSmallIntegerField(default=2)
    small_cell_minimum = models.PositiveSmallIntegerField(default=5)
    comparator = models.CharField(max_length=40, blank=True)
    contrasts = models.JSONField(default=list)
    post_hoc = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "version"], name="plan_version_unique")]


@tracked()
class PlanTimePoint(models.Model):
    """One time point of a plan: a window of study days or a named visit."""

    plan = models.ForeignKey(AnalysisPlan, models.PROTECT, related_name="time_points")
    code = models.CharField(max_length=40, validators=[CODE])
    label = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField()
    kind = word_column(TimePointKind)
    target_day = models.IntegerField(null=True)
    first_day = models.IntegerField(null=True)
    last_day = models.IntegerField(null=True)
    visit_type = models.ForeignKey(VisitType, models.PROTECT, null=True, related_name="+")
    rule = word_column(ValueRule)
    min_n = models.PositiveSmallIntegerField()
    primary = models.BooleanField(default=False)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "code"], name="time_point_code_unique"),
            models.UniqueConstraint(fields=["plan", "position"], name="time_point_position_unique"),
            models.UniqueConstraint(fields=["plan"], condition=models.Q(primary=True), name="time_point_one_primary"),
            models.CheckConstraint(
                name="time_point_window_or_visit",
                condition=models.Q(kind=TimePointKind.VISIT_CODE, visit_type__isnull=False)
                | models.Q(first_day__isnull=False, last_day__isnull=False, target_day__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label

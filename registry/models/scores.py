"""One pain score: a number with its scale, recall, context, source and day."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from registry.models.allocation import Allocation
from registry.models.columns import NewUuid, word_column
from registry.models.diagnoses import EnrolmentPain
from registry.models.history import tracked
from registry.models.patients import Enrolment
from registry.models.score_references import references_checked
from registry.models.trials import Scale, VisitType
from registry.roles import ROLES, Permission
from registry.vocabulary import AnswerState, Rater, RecallPeriod, ScoreContext, ScoreSource

if TYPE_CHECKING:
    from registry.models.accounts import Membership, User
    from registry.models.trials import Trial


def _reach(memberships: Iterable[Membership]) -> models.Q:
    """Return which scores memberships reach; each place is named once, however many roles a person has there."""
    places = {(row.trial_id, row.site_id) for row in memberships}
    if (None, None) in places:
        return ~models.Q(pk__in=[])
    scopes = [models.Q(enrolment__site_id=site) if site else models.Q(enrolment__trial_id=trial) for trial, site in sorted(places, key=str)]
    return functools.reduce(operator.or_, scopes) if scopes else models.Q(pk__in=[])


def _shows_everything(membership: Membership) -> bool:
    """Tell whether a membership shows scores after allocation."""
    role, trial = ROLES[membership.role], membership.trial
    return role.cares_for_patients or not role.masked or (trial is not None and trial.shows_efficacy)


def enrolments_with_all_scores(user: User) -> models.Q:
    """Return, as a condition on enrolments, those whose scores the person sees whenever they were given."""
    found = models.Q(pk__in=[])
    for row in filter(_shows_everything, _score_memberships(user)):
        if row.site_id is not None:
            found |= models.Q(site_id=row.site_id)
        else:
            found |= models.Q(trial_id=row.trial_id) if row.trial_id is not None else ~models.Q(pk__in=[])
    return found


def sees_all_scores(user: User, trial: Trial) -> bool:
    """Tell whether there are patients of the trial, now or later, whose scores the person sees whenever they were given."""
    return any(row.trial_id in (None, trial.pk) for row in filter(_shows_everything, _score_memberships(user)))


def sees_all_scores_at(user: User, trial: Trial, site_id: int) -> bool:
    """Tell whether the person sees the scores of one site's patients whenever they were given."""
    return any(row.reaches(trial.pk, site_id) for row in filter(_shows_everything, _score_memberships(user)))


def sees_scores_of_today(user: User, enrolment: Enrolment) -> bool:
    """Tell whether the person may see what a patient answers now."""
    return sees_all_scores_at(user, enrolment.trial, enrolment.site_id) or not Allocation.objects.filter(enrolment=enrolment).exists()


def _score_memberships(user: User) -> list[Membership]:
    """Return the memberships in force that include seeing scores."""
    return [row for row in user.current_memberships() if Permission.SCORE_VIEW in ROLES[row.role].permissions]


def _before_allocation() -> models.Q:
    """Return the condition that a score's day lies before allocation, or that there is none; an undated one never qualifies."""
    allocations = Allocation.objects.filter(enrolment=models.OuterRef("enrolment"))
    earlier = allocations.filter(allocated_on__gt=models.OuterRef("for_date"))
    return models.Q(~models.Exists(allocations)) | models.Q(models.Exists(earlier), for_date__isnull=False)


class PainScoreQuerySet(models.QuerySet["PainScore"]):
    """Reads of scores begin here."""

    def visible_to(self, user: User) -> Self:
        """Keep the scores the person may see.

        Roles with a duty to patients see all scores of theirs. Other masked roles see scores from before allocation only,
        unless the trial lets them see pooled efficacy: many rows after allocation are an efficacy table in disguise.
        """
        held = _score_memberships(user)
        whole, early = [row for row in held if _shows_everything(row)], [row for row in held if not _shows_everything(row)]
        return self.filter(_reach(whole) | (_reach(early) & _before_allocation()) if early else _reach(whole))

    def current(self) -> Self:
        """Keep the versions that were neither corrected nor voided."""
        return self.filter(ended_at__isnull=True)


@tracked()
class PainScore(models.Model):
    """One version of one pain score.

    `record` is the identity the outside world sees. A correction adds a version (same `record`, next `version`) and ends
    the one before it, so that what counted at any cut-off C is the row with recorded_at < C and (ended_at is null or
    ended_at >= C). Voiding only ends. `value_units` is the value in 10^-6 units: decisions use it, people read `value`.
    """

    record = models.UUIDField(db_default=NewUuid())
    version = models.PositiveSmallIntegerField(default=1)
    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="scores", db_index=False, db_constraint=False)
    scale = models.ForeignKey(Scale, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    pain = models.ForeignKey(EnrolmentPain, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    visit_type = models.ForeignKey(VisitType, models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False)
    context = word_column(ScoreContext)
    recall = word_column(RecallPeriod)
    source = word_column(ScoreSource)
    rater = word_column(Rater, default=Rater.PATIENT)
    answer_state = word_column(AnswerState, default=AnswerState.ON_TIME)
    scheduled = models.BooleanField(default=True)
    for_date = models.DateField(null=True)
    observed_at = models.DateTimeField(null=True)
    # When the answer was given, the same for all versions: it decides which of two answers for one day came first (R6).
    submitted_at = models.DateTimeField()
    # When this version was written.
    recorded_at = models.DateTimeField()
    zone = models.CharField(max_length=60, blank=True)
    value = models.DecimalField(max_digits=12, decimal_places=6)
    value_units = models.BigIntegerField()
    row_id = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True)
    voided = models.BooleanField(default=False)

    objects = PainScoreQuerySet.as_manager()

    class Meta:
        triggers = references_checked()
        constraints = [
            models.CheckConstraint(
                name="score_units_equal_value", condition=models.Q(value_units=models.F("value") * models.Value(1_000_000))
            ),
            models.CheckConstraint(
                name="score_has_day_or_visit", condition=models.Q(for_date__isnull=False) | models.Q(visit_type__isnull=False)
            ),
            models.CheckConstraint(name="score_diary_has_day", condition=~models.Q(context="diary", for_date__isnull=True)),
            models.CheckConstraint(name="score_voided_is_ended", condition=models.Q(voided=False) | models.Q(ended_at__isnull=False)),
            models.UniqueConstraint(fields=["record", "version"], name="score_version_unique"),
            models.UniqueConstraint(
                fields=["enrolment", "row_id"], condition=models.Q(ended_at__isnull=True) & ~models.Q(row_id=""), name="score_row_id_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["enrolment", "for_date"], include=["value_units"], name="score_enrolment_day"),
            # What changed since an instant: rows are written in the order of time, and few are ever ended.
            BrinIndex(fields=["recorded_at"], name="score_recorded"),
            models.Index(fields=["ended_at"], condition=models.Q(ended_at__isnull=False), name="score_ended"),
        ]

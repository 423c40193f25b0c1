"""What versioned records of an enrolment share: a correction adds a version and ends the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from django.db import models

from registry.models.columns import NewUuid
from registry.roles import ROLES, Permission

if TYPE_CHECKING:
    from registry.models.accounts import User

Record = TypeVar("Record", bound=models.Model)


class RecordQuerySet(models.QuerySet[Record]):
    """Reads of versioned records begin here."""

    def visible_to(self, user: User) -> Self:
        """Keep the records of patients at sites where the person holds the right to see such records."""
        right: Permission = self.model.view_permission  # type: ignore[attr-defined]
        allowed = models.Q(pk__in=[])
        for membership in user.current_memberships():
            if right not in ROLES[membership.role].permissions:
                continue
            if membership.trial_id is None:
                return self
            if membership.site_id is not None:
                allowed |= models.Q(enrolment__site_id=membership.site_id)
            else:
                allowed |= models.Q(enrolment__trial_id=membership.trial_id)
        return self.filter(allowed)

    def current(self) -> Self:
        """Keep the versions that were neither corrected nor voided."""
        return self.filter(ended_at__isnull=True)


def sees_records_at(user: User, right: Permission, trial_id: int, site_id: int) -> bool:
    """Tell of one site's patients what `visible_to` tells of rows: whether the person may see records under such a right."""
    return any(row.reaches(trial_id, site_id) for row in user.current_memberships() if right in ROLES[row.role].permissions)


class VersionedRecord(models.Model):
    """One version of one record of an enrolment.

    `record` is the identity the outside world sees. A correction adds a version (same `record`, next `version`) and ends
    the one before it, so that what counted at any cut-off C is the row with recorded_at < C and (ended_at is null or
    ended_at >= C). Voiding only ends; restoring adds the next version. Each such model has its own `enrolment` and manager.
    """

    view_permission: ClassVar[Permission] = Permission.SESSION_VIEW

    record = models.UUIDField(db_default=NewUuid())
    version = models.PositiveSmallIntegerField(default=1)
    # When this version was written, and by whom.
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("registry.User", models.PROTECT, related_name="+")
    row_id = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True)
    voided = models.BooleanField(default=False)

    class Meta:
        abstract = True


def version_constraints(name: str) -> list[models.BaseConstraint]:
    """Return the constraints that every versioned record has, under names that begin with `name`."""
    standing = models.Q(ended_at__isnull=True)
    return [
        models.CheckConstraint(name=f"{name}_voided_is_ended", condition=models.Q(voided=False) | models.Q(ended_at__isnull=False)),
        models.UniqueConstraint(fields=["record", "version"], name=f"{name}_version_unique"),
        # One standing version of each record: two corrections at one moment cannot both win.
        models.UniqueConstraint(fields=["record"], condition=standing, name=f"{name}_one_standing"),
        models.UniqueConstraint(fields=["enrolment", "row_id"], condition=standing & ~models.Q(row_id=""), name=f"{name}_row_id_unique"),
    ]

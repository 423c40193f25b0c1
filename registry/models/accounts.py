"""People who sign in, and what they may do where."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone

from registry.exceptions import NotAllowed
from registry.models.history import tracked
from registry.roles import ROLES, UNMASKING_PERMISSIONS, WHOLE_TRIAL_PERMISSIONS, Permission, role_choices

if TYPE_CHECKING:
    from registry.models.trials import Site, Trial


class UserManager(BaseUserManager["User"]):
    """Finds accounts by e-mail address whatever its capitals."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


@tracked(exclude=("password",))
class User(AbstractBaseUser):
    """An account. `is_system` marks named actors of jobs, which can never sign in."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_system = models.BooleanField(default=False)
    is_demonstration = models.BooleanField(default=False)
    theme = models.CharField(max_length=6, choices=[("", "As the device"), ("light", "Light"), ("dark", "Dark")], blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    last_login = None  # sign-ins are in the act log; a column would make each one a change of the account

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [models.CheckConstraint(name="user_email_small_letters", condition=models.Q(email=Lower("email")))]

    def __str__(self) -> str:
        return self.name

    def check_password(self, raw_password: str | None) -> bool:
        """Compare without Django's silent re-hash, which would be a write outside any audited change."""
        return check_password(raw_password, self.password)

    @property
    def initials(self) -> str:
        """Return up to two capitals for the account button."""
        return "".join(part[0] for part in self.name.split()[:2]).upper()

    def current_memberships(self) -> list[Membership]:
        """Return the memberships in force today, read once per request object."""
        cached: list[Membership] | None = self.__dict__.get("_memberships")
        if cached is None:
            cached = self.know_memberships(Membership.objects.filter(user=self).select_related("trial", "site"))
        return cached if self.is_active else []

    def know_memberships(self, rows: Iterable[Membership]) -> list[Membership]:
        """Take all memberships of this person as just read, trial and site with each; return those in force today."""
        self.__dict__["_memberships"] = in_force = [row for row in rows if row.in_force(timezone.now().date())]
        return in_force

    def narrow_to(self, memberships: list[Membership]) -> None:
        """Hold no more than these memberships for as long as this object lives: a token reaches no further than its trial."""
        self.__dict__["_memberships"] = memberships

    def permissions_in(self, trial: Trial | None, site: Site | None = None) -> frozenset[Permission]:
        """Return every right held in a trial (None: registry-wide rights), at one site if given."""
        granted: set[Permission] = set()
        for membership in self.current_memberships():
            if membership.covers(trial, site):
                granted |= membership.permissions
        return frozenset(granted)

    def can(self, permission: Permission, *, trial: Trial | None = None, site: Site | None = None) -> bool:
        """Answer the one question about rights."""
        return permission in self.permissions_in(trial, site)

    def check_can(self, permission: Permission, *, trial: Trial | None = None, site: Site | None = None) -> None:
        """Raise NotAllowed, naming who holds the right, unless `can` answers yes."""
        if not self.can(permission, trial=trial, site=site):
            *others, last = (role.label.lower() for role in ROLES.values() if permission in role.permissions)
            holders = f"{', '.join(others)} or {last}" if others else last
            reach = " for the whole trial" if permission in WHOLE_TRIAL_PERMISSIONS else ""
            raise NotAllowed(f"Your role does not include this. It needs the right '{permission}', held by: {holders}{reach}.")

    def is_masked_in(self, trial: Trial) -> bool:
        """Tell whether this person may not see who got which treatment."""
        return not (self.permissions_in(trial) & UNMASKING_PERMISSIONS)


@tracked()
class Membership(models.Model):
    """One role of one person: in a trial and site, or all of them, for a stretch of days (both ends included)."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    trial = models.ForeignKey("registry.Trial", models.PROTECT, null=True, blank=True, related_name="memberships")
    site = models.ForeignKey("registry.Site", models.PROTECT, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=40, choices=role_choices())
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="membership_ends_after_it_begins",
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_until__gte=models.F("valid_from")),
            ),
            models.CheckConstraint(name="membership_role_known", condition=models.Q(role__in=list(ROLES))),
            models.CheckConstraint(
                name="membership_site_needs_trial", condition=models.Q(site__isnull=True) | models.Q(trial__isnull=False)
            ),
            models.UniqueConstraint(fields=["user", "trial", "site", "role", "valid_from"], nulls_distinct=False, name="membership_unique"),
        ]

    def __str__(self) -> str:
        return f"{ROLES[self.role].label} in {self.trial or 'all trials'}"

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return the rights of the role, without those over the whole trial where the membership ends at a site."""
        held = ROLES[self.role].permissions
        return held if self.site_id is None else held - WHOLE_TRIAL_PERMISSIONS

    def in_force(self, today: date) -> bool:
        """Tell whether the membership holds on that day."""
        return self.valid_from <= today and (self.valid_until is None or today <= self.valid_until)

    def reaches(self, trial_id: int, site_id: int) -> bool:
        """Tell whether the membership reaches the patients of a trial's site."""
        return self.site_id == site_id if self.site_id is not None else self.trial_id in (None, trial_id)

    def covers(self, trial: Trial | None, site: Site | None) -> bool:
        """Tell whether the membership reaches that trial, and that site if one is named."""
        if self.trial_id is not None and (trial is None or self.trial_id != trial.pk):
            return False
        return self.site_id is None or site is None or self.site_id == site.pk


def system_actor(name: str) -> User:
    """Return the named actor of a job, e.g. 'scheduler'; it exists from the first migration on."""
    return User.objects.get(email=f"{name}@system.invalid", is_system=True)

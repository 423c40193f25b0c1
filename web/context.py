"""What every page's frame shows: trial, navigation, masking chip, theme, who is signed in."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from registry.models import Trial, User
from registry.roles import Permission


@dataclass(frozen=True)
class NavItem:
    """One entry of the main navigation."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class PageFrame:
    """The frame's data; the empty one belongs to sign-in pages and asks nothing of the database."""

    trial: Trial | None = None
    nav: tuple[NavItem, ...] = ()
    masked: bool = True
    theme: str = ""
    name: str = ""
    initials: str = ""
    search_url: str = ""


# Section, label, rights of which one opens it, and route of each navigation entry.
NAVIGATION = (
    ("today", _("Today"), {Permission.SESSION_RECORD}, "today"),
    ("patients", _("Patients"), {Permission.PATIENT_VIEW}, "patients"),
    ("outcomes", _("Outcomes"), {Permission.OUTCOMES_OPEN}, "dashboard"),
    ("reports", _("Reports"), {Permission.OUTCOMES_OPEN}, "reports"),
    ("closed", _("Closed outcomes"), {Permission.OUTCOMES_CLOSED}, "dashboard_closed"),
    ("data", _("Data"), {Permission.IMPORT, Permission.EXPORT}, "trial_data"),
    ("settings", _("Settings"), {Permission.TRIAL_VIEW}, "trial_settings"),
)


def page(request: HttpRequest) -> dict[str, PageFrame]:
    """Return the frame for the template as `page`."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_authenticated:
        return {"page": PageFrame()}
    return {"page": frame(user, getattr(request, "trial", None), getattr(request, "section", ""))}


def frame(user: User, trial: Trial | None, section: str) -> PageFrame:
    """Return the frame for a signed-in person, inside a trial or outside of all."""
    if trial is None:
        return PageFrame(theme=user.theme, name=user.name, initials=user.initials)
    held = user.permissions_in(trial)
    return PageFrame(
        trial=trial,
        nav=tuple(
            NavItem(str(label), reverse(route, args=[trial.slug]), key == section)
            for key, label, rights, route in NAVIGATION
            if rights & held
        ),
        masked=user.is_masked_in(trial),
        theme=user.theme,
        name=user.name,
        initials=user.initials,
        search_url=reverse("patients", args=[trial.slug]) if Permission.PATIENT_VIEW in held else "",
    )

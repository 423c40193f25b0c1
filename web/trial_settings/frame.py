"""What every settings page shows: the subjects that the person may open, and which one this is."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from registry.roles import Permission
from web.context import NavItem
from web.requests import TrialRequest

# Key, label, route, right that opens it.
TABS = (
    ("overview", _("Overview"), "trial_settings", Permission.TRIAL_VIEW),
    ("sites", _("Sites"), "trial_sites", Permission.TRIAL_VIEW),
    ("treatments", _("Visible treatments"), "trial_treatments", Permission.TRIAL_VIEW),
    ("scales", _("Scales"), "trial_scales", Permission.TRIAL_VIEW),
    ("visit_types", _("Visits"), "trial_visits", Permission.TRIAL_VIEW),
    ("stimulators", _("Stimulators"), "trial_stimulators", Permission.TRIAL_VIEW),
    ("coils", _("Coils"), "trial_coils", Permission.TRIAL_VIEW),
    ("coil_conversions", _("Thresholds between coils"), "trial_conversions", Permission.TRIAL_VIEW),
    ("protocol", _("Protocol"), "trial_protocol", Permission.TRIAL_VIEW),
    ("plan", _("Analysis plan"), "trial_plan", Permission.TRIAL_VIEW),
    ("looks", _("Looks at efficacy"), "trial_looks", Permission.TRIAL_VIEW),
    ("members", _("Members"), "members", Permission.MEMBERS_MANAGE),
    ("allocation", _("Allocation"), "allocation_list", Permission.ALLOCATION_MANAGE),
)


def settings_frame(request: TrialRequest, tab: str) -> dict[str, object]:
    """Return the frame of a settings page."""
    held = request.user.permissions_in(request.trial)
    slug = request.trial.slug
    tabs = [NavItem(str(label), reverse(route, args=[slug]), key == tab) for key, label, route, right in TABS if right in held]
    return {"tabs": tabs, "may_manage": Permission.TRIAL_MANAGE in held}

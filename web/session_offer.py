"""What a patient's pages offer to log next: the planned session, the one begun, or what is no longer part of the plan."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from registry.models import Enrolment
from registry.selectors.session_rows import SessionStrip
from registry.services.session_drafts import open_drafts, planned_act_refusal


@dataclass(frozen=True)
class SessionOffer:
    """The button that leads to the next session. Only a planned one is the page's first act, and only it opens its form at once."""

    label: str
    url: str
    opens: bool
    is_planned: bool


def session_offer(enrolment: Enrolment, strip: SessionStrip) -> SessionOffer | None:
    """Return what can be logged next; nothing once the trial's records are locked."""
    trial = enrolment.trial
    if trial.locked_at is not None:
        return None
    place = [trial.slug, enrolment.patient_code]
    begun = open_drafts(enrolment).filter(number=strip.next_number).order_by("pk").first()
    if begun is not None:
        label = _("Resume session %(n)d") % {"n": strip.next_number}
        return SessionOffer(label, reverse("session", args=[*place, begun.uuid]), opens=False, is_planned=True)
    url = reverse("session_open", args=place)
    if planned_act_refusal(enrolment) is not None:
        return SessionOffer(_("Log a session given earlier"), url, opens=False, is_planned=False)
    if strip.is_complete:
        return SessionOffer(_("Log an additional session"), url, opens=False, is_planned=False)
    return SessionOffer(_("Log session %(n)d") % {"n": strip.next_number}, url, opens=True, is_planned=True)

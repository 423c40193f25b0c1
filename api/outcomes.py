"""Outcomes of a trial as last computed: the stored snapshot, open or, with the right to it, closed. Nothing is computed here."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditions import etag_of, is_known
from api.door import Door
from api.records import person_of
from registry.exceptions import NotFound
from registry.models import Trial, User
from registry.roles import Permission
from registry.selectors.charter import LookAhead, look_ahead
from registry.selectors.outcomes import StoredOutcomes, latest_closed, latest_open
from registry.selectors.patients import trial_visible_to
from registry.services.acts import log_act
from registry.vocabulary import Act


class OutcomesSerializer(serializers.Serializer[Any]):
    """A stored snapshot."""

    trial = serializers.CharField(help_text="Short name of the trial.")
    number = serializers.IntegerField(help_text="Number of the snapshot in its trial.")
    made_at = serializers.DateTimeField(help_text="When it was computed.")
    sha256 = serializers.CharField(help_text="Hash of the stored text of the payload.")
    is_waiting = serializers.BooleanField(help_text="Whether changes are on record that it does not hold yet.")
    payload = serializers.DictField(help_text="Everything computed from a fixed set of records: cut-off, plan, time points, groups.")


class LookSerializer(serializers.Serializer[Any]):
    """A look at efficacy by arm to come."""

    code = serializers.CharField(help_text="Its code.")
    label: Any = serializers.CharField(help_text="Its short name.")
    planned_on = serializers.DateField(help_text="The day the charter names.")
    week = serializers.CharField(help_text="The week whose report holds it.")


class LookReportSerializer(serializers.Serializer[Any]):
    """The report that showed efficacy by arm last."""

    week = serializers.CharField(help_text="Its week.")
    version = serializers.IntegerField(help_text="Its version.")
    snapshot = serializers.CharField(help_text="Address of its `snapshot.json`, with every number as it was shown.")


class AheadSerializer(serializers.Serializer[Any]):
    """Where efficacy by arm stands while dates of the board's charter are in force: not in this payload."""

    last_shown = LookReportSerializer(allow_null=True, help_text="Null where it was not shown yet.")
    next = LookSerializer(allow_null=True, help_text="Null where no further look is planned.")


class ClosedOutcomesSerializer(OutcomesSerializer):
    """A stored snapshot by arm."""

    looks = AheadSerializer(allow_null=True, help_text="Null where no dates are in force: the payload holds efficacy by arm.")


class OpenOutcomes(Door):
    """Outcomes of everybody together, by diagnosis and by site, never by arm."""

    right = Permission.OUTCOMES_OPEN
    act = Act.OUTCOMES_READ

    def get(self, request: Request, trial: str) -> HttpResponseBase:
        """Return the latest snapshot, or 304 where the client has it already."""
        user = person_of(request)
        found = trial_visible_to(user, trial)
        user.check_can(self.right, trial=found)
        stored = self.stored(found, user)
        log_act(self.act, by=user, trial=found, target=f"snapshot {stored.number}" if stored else "no snapshot yet")
        if stored is None:
            raise NotFound("There is no snapshot of this trial yet.")
        return answer(request, found, stored, self.beside(found))

    def stored(self, trial: Trial, user: User) -> StoredOutcomes | None:
        """Return the open snapshot."""
        return latest_open(trial)

    def beside(self, trial: Trial) -> dict[str, Any]:
        """Return what is told besides the snapshot."""
        return {}


class ClosedOutcomes(OpenOutcomes):
    """Outcomes by arm, by letter until the trial is decoded; the reading is recorded."""

    right = Permission.OUTCOMES_CLOSED
    act = Act.CLOSED_OUTCOMES_READ

    def stored(self, trial: Trial, user: User) -> StoredOutcomes | None:
        """Return the closed snapshot."""
        return latest_closed(trial, by=user)

    def beside(self, trial: Trial) -> dict[str, Any]:
        """Return where efficacy by arm is to be found between looks."""
        ahead = look_ahead(trial, now=timezone.now())
        return {"looks": told(trial, ahead) if ahead else None}


def told(trial: Trial, ahead: LookAhead) -> dict[str, Any]:
    """Return the last look's report and the next look as they are sent."""
    report, look = ahead.last, ahead.next
    last = None
    if report is not None:
        place = {"trial": trial.slug, "week": report.week, "version": report.version}
        address = reverse("api_report_closed_document", kwargs={**place, "form": "snapshot.json"})
        last = {"week": report.week, "version": report.version, "snapshot": address}
    coming = {"code": look.code, "label": look.label, "planned_on": look.planned_on, "week": str(look.week)} if look else None
    return {"last_shown": last, "next": coming}


def answer(request: Request, trial: Trial, stored: StoredOutcomes, beside: dict[str, Any]) -> HttpResponseBase:
    """Return a snapshot with its tag."""
    facts = {"number": stored.number, "made_at": stored.made_at, "sha256": stored.sha256, "is_waiting": stored.is_waiting}
    body = {"trial": trial.slug, **facts, **beside, "payload": stored.payload}
    etag = etag_of(body)
    if is_known(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag})

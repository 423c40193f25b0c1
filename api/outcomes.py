"""Outcomes of a trial as last computed: the stored snapshot, open or, with the right to it, closed. Nothing is computed here."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.conditions import etag_of, is_known
from api.door import Door
from api.records import person_of
from registry.exceptions import NotFound
from registry.models import Trial, User
from registry.roles import Permission
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
        return answer(request, found, stored)

    def stored(self, trial: Trial, user: User) -> StoredOutcomes | None:
        """Return the open snapshot."""
        return latest_open(trial)


class ClosedOutcomes(OpenOutcomes):
    """Outcomes by arm, by letter until the trial is decoded; the reading is recorded."""

    right = Permission.OUTCOMES_CLOSED
    act = Act.CLOSED_OUTCOMES_READ

    def stored(self, trial: Trial, user: User) -> StoredOutcomes | None:
        """Return the closed snapshot."""
        return latest_closed(trial, by=user)


def answer(request: Request, trial: Trial, stored: StoredOutcomes) -> HttpResponseBase:
    """Return a snapshot with its tag."""
    facts = {"number": stored.number, "made_at": stored.made_at, "sha256": stored.sha256, "is_waiting": stored.is_waiting}
    body = {"trial": trial.slug, **facts, "payload": stored.payload}
    etag = etag_of(body)
    if is_known(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag})

"""Trials and their sites: read, set up and corrected as in the browser. What else belongs to a trial is added there or by its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import RowSerializer
from api.histories import versions
from api.once import answered_once
from api.records import Columns, Corrected, ListQuery, ReasonSerializer, Row, answer, person_of, reason_of
from api.trials import TRIAL_HELP, OfTrial
from registry.exceptions import InvalidInput
from registry.models import CharterLook, Site, Trial, User
from registry.roles import Permission
from registry.rules.tables import trial_sections
from registry.selectors.patients import trial_visible_to
from registry.services.reasons import Reason
from registry.services.trial_setup import add_part, correct_part, correct_trial, create_trial
from registry.services.trials import lock_name


class SetUp(Corrected):
    """A collection that whoever manages trials adds to and corrects."""

    right = right_to_correct = Permission.TRIAL_MANAGE

    def hold(self, record: Row) -> None:
        """Let one person at a time define the trial."""
        lock_name(record.get("trial") or record["slug"])


@contextmanager
def naming(places: Mapping[str, str]) -> Iterator[None]:
    """Let problems name fields as the body does."""
    try:
        yield
    except InvalidInput as refused:
        raise InvalidInput([replace(one, field=_named(one.field, places)) for one in refused.problems]) from refused


def _named(field: str, places: Mapping[str, str]) -> str:
    return next((named + field.removeprefix(place) for place, named in places.items() if field.startswith(place)), field)


class TrialSerializer(RowSerializer):
    """A trial."""

    table = trial_sections.TRIAL
    reading = True
    without = ("contact",)
    version = serializers.IntegerField(read_only=True)


class SiteShape(RowSerializer):
    """The first site of a new trial."""

    table = trial_sections.SITES


class NewTrial(RowSerializer):
    """A trial to set up, as trial.toml says it, with its first site; everything else is added afterwards."""

    table = trial_sections.TRIAL
    site = SiteShape(help_text="Its first site.")


class TrialCorrection(RowSerializer, ReasonSerializer):
    """What of a trial is corrected, and why. Conduct, design and masking stay once a patient is allocated."""

    table = trial_sections.TRIAL
    without = ("slug",)
    optional = True


class Trials(SetUp):
    """The trials you are a member of. Whoever sets one up gets no role in it: members are appointed in the browser."""

    noun = "trial"
    detail_route = "api_trial"
    serializer_class = TrialSerializer
    creation_class = NewTrial
    correction_class = TrialCorrection
    query_class = ListQuery
    order = ("slug",)
    key = "slug"

    def visible(self, user: User) -> QuerySet[Trial]:
        """Return the person's trials."""
        return Trial.objects.visible_to(user)

    def columns(self, user: User) -> Columns:
        """Return the columns of trial.toml but the one that names a person."""
        names = [name for name in trial_sections.TRIAL.names if name not in TrialSerializer.without]
        return {**{name: name for name in names}, "version": versions(Trial)}

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep all: trials are few."""
        return rows

    def create(self, request: Request) -> HttpResponseBase:
        """Set up a trial with its first site."""

        def work() -> Response:
            data, user = self.checked(NewTrial, request), person_of(request)
            site = data.pop("site")
            with naming({"trial[0].": "", "sites[0].": "site."}):
                made = create_trial(trial=data, site=site, by=user, now=timezone.now())
            return answer(self.record(user, made.slug), {"Location": reverse(self.detail_route, kwargs={"id": made.slug})}, status=201)

        return answered_once(request, work)

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Change what the body names."""
        trial = self.trial_of(by, record)
        with naming({"trial[0].": ""}):
            correct_trial(trial=trial, values=data, reason=reason.sentence(), by=by, now=now, partial=True)

    def trial_of(self, user: User, record: Row) -> Trial:
        """Return the trial itself."""
        return trial_visible_to(user, record["slug"])


class SiteSerializer(RowSerializer):
    """A place that treats patients of one trial."""

    table = trial_sections.SITES
    reading = True
    id = serializers.UUIDField(read_only=True)
    trial = serializers.CharField(read_only=True, help_text=TRIAL_HELP)
    version = serializers.IntegerField(read_only=True)


class NewSite(RowSerializer):
    """A site to add to a trial."""

    table = trial_sections.SITES
    trial = serializers.CharField(max_length=40, help_text=TRIAL_HELP)


class SiteCorrection(RowSerializer, ReasonSerializer):
    """What of a site is corrected, and why; its code stays."""

    table = trial_sections.SITES
    without = trial_sections.SITES.key
    optional = True


class Sites(SetUp, OfTrial):
    """The sites your memberships cover."""

    noun = "site"
    detail_route = "api_site"
    serializer_class = SiteSerializer
    creation_class = NewSite
    correction_class = SiteCorrection
    model = Site

    def visible(self, user: User) -> QuerySet[Site]:
        """Return the person's sites."""
        return Site.objects.visible_to(user)

    def columns(self, user: User) -> Columns:
        """Return the columns of the section with the site's id."""
        return {"id": "uuid", **super().columns(user), "version": versions(Site)}

    def make(self, trial: Trial, data: Row, *, by: User, now: datetime) -> UUID:
        """Add a site."""
        with naming({"sites[0].": ""}):
            add_part(trial=trial, section="sites", values=data, by=by, now=now)
        return Site.objects.get(trial=trial, code=data["code"]).uuid

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Change what the body names."""
        values = {"code": record["code"], **data}
        with naming({"sites[0].": ""}):
            correct_part(
                trial=self.trial_of(by, record), section="sites", values=values, reason=reason.sentence(), by=by, now=now, partial=True
            )


class LookSerializer(RowSerializer):
    """A look at efficacy by arm that the charter of the safety board plans."""

    table = trial_sections.LOOKS
    reading = True
    id = serializers.UUIDField(read_only=True)
    trial = serializers.CharField(read_only=True, help_text=TRIAL_HELP)
    version = serializers.IntegerField(read_only=True)


class NewLook(RowSerializer, ReasonSerializer):
    """A look to add to a trial, and why."""

    table = trial_sections.LOOKS
    trial = serializers.CharField(max_length=40, help_text=TRIAL_HELP)


class LookCorrection(RowSerializer, ReasonSerializer):
    """What of a look is changed, and why; its code stays, and one that will not be is called off."""

    table = trial_sections.LOOKS
    without = trial_sections.LOOKS.key
    optional = True


class Looks(SetUp, OfTrial):
    """The looks at efficacy by arm that the charters of your trials plan: they say which closed reports hold it."""

    noun = "look"
    detail_route = "api_look"
    serializer_class = LookSerializer
    creation_class = NewLook
    correction_class = LookCorrection
    model = CharterLook

    def columns(self, user: User) -> Columns:
        """Return the columns of the section with the look's id."""
        return {"id": "uuid", **super().columns(user), "version": versions(CharterLook)}

    def make(self, trial: Trial, data: Row, *, by: User, now: datetime) -> UUID:
        """Add a look."""
        why = reason_of(data).sentence()
        with naming({"looks[0].": ""}):
            add_part(trial=trial, section="looks", values=data, reason=why, by=by, now=now)
        return CharterLook.objects.get(trial=trial, code=data["code"]).uuid

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Change what the body names."""
        values = {"code": record["code"], **data}
        with naming({"looks[0].": ""}):
            correct_part(
                trial=self.trial_of(by, record), section="looks", values=values, reason=reason.sentence(), by=by, now=now, partial=True
            )

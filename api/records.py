"""What all collections of records share: lists and single records to read, and how they are made, corrected and voided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, cast
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api import kept_lists, paging
from api.conditions import check_match, etag_of, is_known
from api.door import Door
from api.fields import StrictSerializer, WordField
from api.formats import number
from api.kept_shapes import checked_body
from api.once import answered_once
from api.problems import InvalidQuery
from api.row_text import list_of
from registry.exceptions import InvalidInput, NotFound
from registry.models import Enrolment, Trial, User
from registry.roles import Permission
from registry.selectors.patients import trial_of_request, trial_visible_to
from registry.services.reasons import CORRECTION_REASONS, Reason
from registry.vocabulary import PainCondition

Columns = Mapping[str, Any]
Row = dict[str, Any]
REASONS = list(CORRECTION_REASONS.items())


class ListQuery(StrictSerializer):
    """What every list takes."""

    cursor = serializers.RegexField(r"^[A-Za-z0-9_-]{1,400}$", required=False, help_text="Where the page begins, out of a `next` link.")
    page_size = serializers.IntegerField(
        required=False, default=paging.PAGE_SIZE, min_value=1, max_value=paging.LARGEST_PAGE, help_text="Rows on a page."
    )
    count = serializers.ChoiceField(
        choices=[("exact", "exact")], required=False, help_text="`exact` counts the whole list, which takes as long as reading it."
    )


class TrialQuery(ListQuery):
    """Lists that belong to trials."""

    trial = serializers.RegexField(r"^[a-z0-9][a-z0-9_-]{0,39}$", required=False, help_text="Short name of a trial.")


class PatientQuery(TrialQuery):
    """Lists that belong to patients."""

    site = serializers.RegexField(r"^[A-Za-z0-9_.-]{1,40}$", required=False, help_text="Code of a site.")
    patient = serializers.RegexField(r"^[A-Z0-9-]{1,20}$", required=False, help_text="Study number.")
    diagnosis = WordField(PainCondition, required=False, help_text="Patients whose primary pain is of this condition.")
    changed_since = serializers.DateTimeField(
        required=False,
        help_text="Records made, corrected or voided at or after this time, voided ones among them. Times are those of the beginning "
        "of a transaction: let the stretches you ask for overlap by some minutes.",
    )


class ReasonSerializer(StrictSerializer):
    """Why a record is changed."""

    change_reason = serializers.ChoiceField(choices=REASONS, help_text="Why the record is changed.")
    change_text = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=500, help_text="Own words; needed where the reason is `other`."
    )


def reason_of(data: Row) -> Reason:
    """Take the reason out of the fields of a change; raise InvalidInput for one that says nothing."""
    reason = Reason(data.pop("change_reason"), data.pop("change_text", ""))
    try:
        reason.sentence()
    except InvalidInput as refused:
        named = {"reason": "change_reason", "reason_text": "change_text"}
        raise InvalidInput([replace(problem, field=named[problem.field]) for problem in refused.problems]) from refused
    return reason


class Records(Door, GenericViewSet[Any]):
    """One collection. Subclasses say which rows a person may see and what they are made of; services say what may be done."""

    noun: ClassVar[str]
    detail_route: ClassVar[str]
    order: ClassVar[Sequence[str]] = ("pk",)
    key: ClassVar[str] = "uuid"
    query_class: ClassVar[type[ListQuery]] = PatientQuery
    correction_class: ClassVar[type[serializers.Serializer[Any]]] = ReasonSerializer
    lookup_field = "id"
    # Whether a row is its columns and nothing besides, so that PostgreSQL can write lists of them (api/row_text.py).
    row_is_its_columns: ClassVar[bool] = True
    # Where a record finds its enrolment; empty where it has none.
    enrolment: ClassVar[str] = "enrolment__"

    # --- What a subclass says --------------------------------------------------------------------------------------

    def visible(self, user: User) -> QuerySet[Any]:
        """Return the rows the person may see."""
        raise NotImplementedError

    def columns(self, user: User) -> Columns:
        """Return each field of a record and where its value comes from."""
        raise NotImplementedError

    def shown(self, rows: list[Row]) -> list[Row]:
        """Return rows as they are sent: numbers as numbers. Whoever adds to this says that `row_is_its_columns` no more."""
        return [{name: number(value) if isinstance(value, Decimal) else value for name, value in row.items()} for row in rows]

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep what the query asks for; an unknown code finds nothing."""
        names = {"trial": "trial__slug", "site": "site__code", "patient": "patient_code"}
        wanted = {f"{self.enrolment}{names[name]}": asked[name] for name in names if asked.get(name)}
        if asked.get("diagnosis"):
            primary = {"rank": 1, "voided_at": None, "diagnosis__condition": asked["diagnosis"]}
            wanted |= {f"{self.enrolment}pains__{name}": value for name, value in primary.items()}
        rows = rows.filter(**wanted) if wanted else rows
        return self.changed(rows, asked["changed_since"]) if asked.get("changed_since") else rows

    def changed(self, rows: QuerySet[Any], since: datetime) -> QuerySet[Any]:
        """Keep records whose history has an entry since then."""
        events = rows.model.history.rel.related_model.objects
        return rows.filter(Exists(events.filter(pgh_obj_id=OuterRef("pk"), pgh_created_at__gte=since)))

    # --- Reading ---------------------------------------------------------------------------------------------------

    def page(self, user: User, asked: Row, scope: str) -> tuple[list[Row], str]:
        """Return one page of rows as Python has them, and the cursor after them, empty where they are the last."""
        columns, cursor = self.sources(user), asked.get("cursor", "")
        rows = self.listed(user, asked)
        page = paging.read_page(rows, [*columns.values()], order=self.order, cursor=cursor, size=asked["page_size"], scope=scope)
        return [dict(zip(columns, row, strict=True)) for row in page.rows], page.next_cursor

    def list(self, request: Request) -> HttpResponseBase:
        """Return one page."""
        user = person_of(request)
        asked = self.asked(request)
        filters = sorted((name, str(value)) for name, value in asked.items() if name not in kept_lists.BESIDE)
        scope = f"{self.noun} {user.pk} {filters}"
        if self.row_is_its_columns:
            rows, cursor = kept_lists.read_page(self, user, asked, scope=scope)
            beside, headers = self.around(request, user, asked, cursor)
            return HttpResponse(list_of(rows, beside), content_type="application/json", headers=headers)
        found, cursor = self.page(user, asked, scope)
        beside, headers = self.around(request, user, asked, cursor)
        return Response({"results": self.shown(found), **beside}, headers=headers)

    def around(self, request: Request, user: User, asked: Row, cursor: str) -> tuple[Row, Row]:
        """Return what stands beside the rows of a page, and its headers."""
        following = self.address(request, cursor) if cursor else None
        beside = {"next": following, **({"count": self.listed(user, asked).count()} if asked.get("count") else {})}
        return beside, {"Link": links(self.address(request, ""), following)}

    def sources(self, user: User) -> Columns:
        """Return the columns with names that cannot collide with those of a model."""
        return as_expressions(self.columns(user))

    def listed(self, user: User, asked: Row) -> QuerySet[Any]:
        """Return the rows of a list, all pages of it."""
        return self.narrowed(self.visible(user), asked)

    def asked(self, request: Request) -> Row:
        """Return the query; raise InvalidQuery for a parameter that is wrong, unknown or given twice."""
        given = request.query_params
        twice = {name: ["Give this parameter once."] for name in given if len(given.getlist(name)) > 1}
        if twice:
            raise InvalidQuery(twice)
        try:
            return checked_body(self.query_class, given.dict())
        except ValidationError as wrong:
            raise InvalidQuery(wrong.detail) from wrong

    def address(self, request: Request, cursor: str) -> str:
        """Return this list's address with another cursor."""
        asked = [(name, value) for name, value in sorted(request.query_params.items()) if name != "cursor"]
        query = urlencode([*asked, ("cursor", cursor)] if cursor else asked)
        return request.build_absolute_uri(f"{request.path}?{query}" if query else request.path)

    def retrieve(self, request: Request, id: UUID | str) -> HttpResponseBase:
        """Return one record, or 304 where the client has this version."""
        record = self.record(person_of(request), id)
        etag = etag_of(record)
        if is_known(request, etag):
            return HttpResponse(status=304, headers={"ETag": etag})
        return answer(record)

    def record(self, user: User, id: UUID | str) -> Row:
        """Return a record the person may see; raise NotFound for any other, existing or not."""
        columns = as_expressions(self.columns(user))
        found = self.visible(user).filter(**{self.key: id}).values_list(*columns.values()).first()
        if found is None:
            raise NotFound("There is no such record among yours.")
        [record] = self.shown([dict(zip(columns, found, strict=True))])
        return record


class Made(Records):
    """A collection to which records can be added; `right` is what adding takes, and `right_to_correct` changing."""

    # What adding takes, where that is not what is shown.
    creation_class: ClassVar[type[serializers.Serializer[Any]] | None] = None
    right: ClassVar[Permission] = Permission.PATIENT_EDIT
    right_to_correct: ClassVar[Permission] = Permission.PATIENT_EDIT
    # Whether the service's own transaction is all there is to adding a record, and nothing is read after it.
    service_is_whole: ClassVar[bool] = False

    def make(self, trial: Trial, data: Row, *, by: User, now: datetime) -> UUID | str:
        """Write one record through its service and return its id."""
        raise NotImplementedError

    def create(self, request: Request) -> HttpResponseBase:
        """Add one record."""

        def work() -> Response:
            data = self.checked(self.creation_class or self.get_serializer_class(), request)
            user = person_of(request)
            trial = trial_of_request(user, data.pop("trial"))
            user.check_can(self.right, trial=trial)
            made, record = self.added(trial, data, by=user, now=timezone.now())
            return answer(record, {"Location": reverse(self.detail_route, kwargs={"id": made})}, status=201)

        return answered_once(request, work, alone=self.service_is_whole)

    def added(self, trial: Trial, data: Row, *, by: User, now: datetime) -> tuple[UUID | str, Row]:
        """Write one record and return its id and how it is shown."""
        made = self.make(trial, data, by=by, now=now)
        return made, self.made(by, made)

    def made(self, user: User, id: UUID | str) -> Row:
        """Return a record as it was added."""
        return self.record(user, id)

    def checked(self, shape: type[serializers.BaseSerializer[Any]], request: Request) -> Row:
        """Return the body's fields; raise ValidationError naming each that is wrong."""
        return checked_body(shape, request.data)


class Corrected(Made):
    """A collection whose records can be corrected."""

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Write the correction through its service."""
        raise NotImplementedError

    def partial_update(self, request: Request, id: UUID | str) -> HttpResponseBase:
        """Correct a record the client has read: its old values stay in the history."""

        def work(record: Row) -> None:
            data = self.checked(self.correction_class, request)
            reason = reason_of(data)
            self.correct(record, data, reason, by=person_of(request), now=timezone.now())

        return self.changed_once(request, id, work)

    def changed_once(self, request: Request, id: UUID | str, work: Callable[[Row], None]) -> Response:
        """Do the work on the version that If-Match names, while nobody else changes such records, and answer with the new one."""
        user = person_of(request)
        with transaction.atomic():
            seen = self.record(user, id)
            user.check_can(self.right_to_correct, trial=self.trial_of(user, seen))
            self.hold(seen)
            record = self.record(user, id)
            check_match(request, etag_of(record))
            work(record)
            return answer(self.record(user, id))

    def trial_of(self, user: User, record: Row) -> Trial:
        """Return the trial that a record is of."""
        return trial_visible_to(user, record["trial"])

    def hold(self, record: Row) -> None:
        """Let one change at a time at the records of a patient, until the end of the transaction."""
        hold_patient(record)


class Voided(Corrected):
    """A collection whose records can be taken out of use and brought back."""

    def take_out(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Void the record through its service."""
        raise NotImplementedError

    def bring_back(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Restore the record through its service."""
        raise NotImplementedError

    def void(self, request: Request, id: UUID | str) -> HttpResponseBase:
        """Take a record out of use; it stays readable."""
        return answered_once(request, lambda: self.changed_once(request, id, self.with_reason(request, self.take_out)))

    def restore(self, request: Request, id: UUID | str) -> HttpResponseBase:
        """Bring a voided record back."""
        return answered_once(request, lambda: self.changed_once(request, id, self.with_reason(request, self.bring_back)))

    def with_reason(self, request: Request, act: Callable[..., None]) -> Callable[[Row], None]:
        """Return the act with the body's reason."""

        def work(record: Row) -> None:
            act(record, reason_of(self.checked(ReasonSerializer, request)), by=person_of(request), now=timezone.now())

        return work


def answer(record: Row, headers: Row | None = None, *, status: int = 200) -> Response:
    """Return a record with its tag."""
    return Response(record, status=status, headers={"ETag": etag_of(record), **(headers or {})})


def person_of(request: Request) -> User:
    """Return who asks; the permission classes let nobody else this far."""
    return cast("User", request.user)


def hold_patient(record: Row) -> None:
    """Let one change at a time at the records of a patient, until the end of the transaction."""
    rows = Enrolment.with_voided.filter(trial__slug=record["trial"], patient_code=record["patient"])
    # An import that adds records holds a key on the patient: a change of other records need not wait for it.
    rows.select_for_update(no_key=True).values_list("pk").first()


def as_expressions(columns: Columns) -> Columns:
    """Return columns whose names cannot collide with those of a model."""
    return {name: F(source) if isinstance(source, str) else source for name, source in columns.items()}


def links(first: str, following: str | None) -> str:
    """Return the header Link (RFC 8288)."""
    return f'<{first}>; rel="first"' + (f', <{following}>; rel="next"' if following else "")

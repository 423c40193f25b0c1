"""The description of the API (OpenAPI 3.1), made from the views: every operation with every answer it can give."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.batches import BatchAnswer
from api.door import Door
from api.once import HEADER, LONGEST_KEY
from api.outcomes import ClosedOutcomes, ClosedOutcomesSerializer, OpenOutcomes, OutcomesSerializer
from api.problems import KINDS, MEDIA_TYPE
from api.records import ReasonSerializer, Records
from api.reports import FORMS, Documents

VERBS = {
    "list": "list",
    "retrieve": "get",
    "create": "add",
    "create_many": "add",
    "partial_update": "correct",
    "void": "void",
    "restore": "restore",
}
ALWAYS = (401, 403, 406, 429, 500, 503)
READING = (*ALWAYS, 404)
WRITING = (*ALWAYS, 400, 404, 409, 413, 415, 422)
CHANGING = (*WRITING, 412, 428)
PROBLEMS = {
    "list": (*ALWAYS, 400),
    "retrieve": READING,
    "create": WRITING,
    "create_many": WRITING,
    "partial_update": CHANGING,
    "void": CHANGING,
    "restore": CHANGING,
}
SUCCESS = {"create": 201, "create_many": 201}
OF_MANY = ("list", "create_many")
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "minLength": 1, "pattern": r"^[!-~]+( [!-~]+)*$"},
    OpenApiParameter.HEADER,
    required=True,
    description="ETag of the record you read; `*` takes whatever stands.",
)
IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="ETag you have: 304 while it still holds.")
ONCE = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="A word of your own, new for each new request: sent again within a day, the same request is answered as before.",
)
ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="Tag of this version of the record.")
LINK = OpenApiParameter(
    "Link", str, OpenApiParameter.HEADER, response=[200], description='`rel="first"` and, while there is more, `rel="next"`.'
)
LOCATION = OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201], description="Where the record is.")
FORM = OpenApiParameter("form", {"type": "string", "enum": list(FORMS)}, OpenApiParameter.PATH, description="Which document.")
# What the documents of a report are, beside JSON.
SHAPES = {"text/html": OpenApiTypes.STR, "application/pdf": OpenApiTypes.BINARY, "application/json": OpenApiTypes.OBJECT}
PARAMETERS = {
    "list": [LINK],
    "retrieve": [IF_NONE_MATCH, ETAG],
    "create": [ONCE, ETAG, LOCATION],
    "create_many": [ONCE],
    "partial_update": [IF_MATCH, ETAG],
    "void": [IF_MATCH, ONCE, ETAG],
    "restore": [IF_MATCH, ONCE, ETAG],
}


class ErrorSerializer(serializers.Serializer[Any]):
    """One wrong value."""

    pointer = serializers.CharField(help_text="Where it stands: a JSON pointer into the body, or `?name` of a query parameter.")
    code = serializers.CharField(help_text="A word for what is wrong.")
    detail = serializers.CharField(help_text="The same in a sentence, with what would be right.")


class ProblemSerializer(serializers.Serializer[Any]):
    """An error (RFC 9457)."""

    type = serializers.CharField(help_text="Address of a page about this kind of problem; stable, to branch on.")
    title = serializers.CharField(help_text="The kind in words.")
    status = serializers.IntegerField(help_text="The answer's status.")
    detail = serializers.CharField(help_text="What is wrong this time.")
    instance = serializers.CharField(help_text="The address that was asked.")
    errors: Any = ErrorSerializer(many=True, help_text="Each wrong value; empty where it is not about values.")
    request_id = serializers.CharField(help_text="Name it when you ask for help.")


class OperationSchema(AutoSchema):
    """Describes one operation of a collection."""

    view: Any

    @property
    def action(self) -> str:
        """Return what the operation does."""
        return str(getattr(self.view, "action", "") or "retrieve")

    def get_operation_id(self) -> str:
        """Return a short name that stays: generated clients make it the name of a function."""
        if isinstance(self.view, OpenOutcomes):
            return f"get_{self.name.replace(' ', '_')}"
        noun = self.name.replace(" ", "_")
        return f"{VERBS[self.action]}_{plural(noun) if self.action in OF_MANY else noun}"

    @property
    def name(self) -> str:
        """Return the noun of the collection."""
        return str(getattr(self.view, "noun", "closed outcomes" if self.path.endswith("/closed/") else "open outcomes"))

    def get_summary(self) -> str:
        """Return what the operation does, in a few words."""
        if isinstance(self.view, OpenOutcomes):
            return f"Get the {self.name} of a trial"
        if self.action in OF_MANY:
            return f"{VERBS[self.action].capitalize()} {plural(self.name)}"
        article = "an" if self.name[0] in "aeiou" else "a"
        return f"{VERBS[self.action].capitalize()} {article} {self.name}"

    def get_tags(self) -> list[str]:
        """Return the collection, so that pages group by it."""
        return ["outcomes" if isinstance(self.view, OpenOutcomes) else getattr(self.view, "tag", plural(self.name))]

    def get_override_parameters(self) -> list[Any]:
        """Return query and headers."""
        query = [self.view.query_class] if self.action == "list" and self.view.query_class().fields else []
        form = [FORM] if isinstance(self.view, Documents) else []
        return [*query, *form, *PARAMETERS[self.action]]

    def get_request_serializer(self) -> Any:
        """Return the shape of the body."""
        if self.action == "create":
            return self.view.creation_class or self.view.serializer_class
        if self.action == "create_many":
            return self.view.batch_class
        if self.action == "partial_update":
            return self.view.correction_class
        return ReasonSerializer if self.action in ("void", "restore") else None

    def get_response_serializers(self) -> Any:
        """Return every answer by its status."""
        answers: dict[Any, Any] = {SUCCESS.get(self.action, 200): self.answer()}
        if isinstance(self.view, Documents):
            answers = {(200, media_type): shape for media_type, shape in SHAPES.items()}
        if self.action == "retrieve":
            answers[304] = OpenApiResponse(description="You have this version already.")
        # The list of a trial that is not the person's is not there.
        of_trial = {404} if "{trial}" in self.path else set()
        for status in sorted({*PROBLEMS[self.action], *of_trial}):
            titles = "; ".join(kind.title for kind in KINDS.values() if kind.status == status)
            answers[status, MEDIA_TYPE] = OpenApiResponse(ProblemSerializer, description=f"{titles}.")
        return answers

    def answer(self) -> Any:
        """Return the shape of the answer where all went well."""
        if isinstance(self.view, OpenOutcomes):
            return ClosedOutcomesSerializer if isinstance(self.view, ClosedOutcomes) else OutcomesSerializer
        if isinstance(self.view, Documents):
            return None  # no JSON of ours: see SHAPES
        if self.action == "create_many":
            return BatchAnswer
        return page_of(self.view) if self.action == "list" else self.view.serializer_class

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # a page is an object, whatever the name of its action


def page_of(view: Records) -> Any:
    """Return the shape of one page."""
    shape: Any = view.serializer_class
    fields = {
        "results": shape(many=True, help_text="The rows of this page."),
        "next": serializers.CharField(allow_null=True, help_text="Address of the next page, null on the last."),
        "count": serializers.IntegerField(required=False, help_text="Rows of the whole list, where the query asked for it."),
    }
    return inline_serializer(f"{shape.__name__.removesuffix('Serializer')}Page", fields=fields)


def plural(noun: str) -> str:
    """Return a noun's plural."""
    if noun.endswith("is"):
        return f"{noun[:-2]}es"
    return noun if noun.endswith("s") else f"{noun}s"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes personal tokens."""

    target_class = "api.authentication.PersonalToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A personal token, made under Your account, API tokens."}


def close_bodies(result: dict[str, Any], generator: SchemaGenerator, request: Request | None, public: bool) -> dict[str, Any]:
    """Say of every body that it takes no other names, and of every answer that its fields are there."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
    return result


@cache
def description() -> dict[str, Any]:
    """Return the description, made once in a process."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


class Schema(Door):
    """The description itself, for everybody: it tells nothing of any record."""

    schema = None
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def get(self, request: Request) -> Response:
        """Return the description."""
        return Response(description())

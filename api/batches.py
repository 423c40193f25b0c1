"""Many records of one kind in one request: all are written or none, and each wrong value is named with its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

from django.http import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import StrictSerializer
from api.file_rows import TRIAL_HELP
from api.once import answered_once
from api.problems import TAKEN, ConflictOfRows, InvalidRows
from api.records import Row, person_of
from api.versioned import VersionedRecords
from registry.exceptions import Conflict, InvalidInput, Problem
from registry.selectors.patients import trial_visible_to
from registry.services.row_lists import check_list

MOST_ROWS = 1000
New = TypeVar("New")


class BatchSerializer(StrictSerializer):
    """Rows of one trial; a row is what adding one takes, without its trial."""

    trial = serializers.CharField(max_length=40, help_text=TRIAL_HELP)


class BatchAnswer(serializers.Serializer[Any]):
    """What became of the rows."""

    recorded = serializers.IntegerField(help_text="Rows that were written.")
    repeated = serializers.IntegerField(help_text="Rows that were on record already, with the same content: nothing was done.")
    ids = serializers.ListField(child=serializers.UUIDField(), help_text="The id of each row's record, in the order of the rows.")


def batch_of(row: type[serializers.Serializer[Any]]) -> type[BatchSerializer]:
    """Return the shape of a list of such rows."""
    shape: Any = row
    rows = shape(many=True, min_length=1, max_length=MOST_ROWS, help_text=f"1 to {MOST_ROWS} rows: all are written or none.")
    return type(f"{row.__name__}Batch", (BatchSerializer,), {"rows": rows, "__doc__": BatchSerializer.__doc__})


class BatchedRecords(VersionedRecords):
    """A collection that takes many records at once."""

    batch_class: ClassVar[type[BatchSerializer]]

    def create_many(self, request: Request) -> HttpResponseBase:
        """Add many records: all or none. A repeat of a record on record changes nothing."""

        def work() -> Response:
            data = self.checked(self.batch_class, request)
            user = person_of(request)
            trial = trial_visible_to(user, data["trial"])
            user.check_can(self.right, trial=trial)
            rows: list[Row] = [{**row, "id": row.get("id") or uuid4()} for row in data["rows"]]
            ids = [row["id"] for row in rows]
            with naming_rows(ids):
                check_list(trial=trial, patients=[row["patient"] for row in rows], records=ids, by=user)
                repeated = self.write(trial, rows, by=user, now=timezone.now())
            return Response({"recorded": len(rows) - repeated, "repeated": repeated, "ids": ids}, status=201)

        return answered_once(request, work)


@contextmanager
def naming_rows(ids: Sequence[UUID]) -> Iterator[None]:
    """Let every problem inside name its row, also where there is but one; and a conflict those of these records that it is about."""
    try:
        yield
    except InvalidInput as refused:
        raise InvalidRows([_with_row(problem, 0) for problem in refused.problems]) from refused
    except Conflict as refused:
        rows = [number for number, id in enumerate(ids) if id in refused.records]
        raise ConflictOfRows(refused.sentence, [Problem(f"rows[{n}].{refused.field}", refused.sentence, TAKEN) for n in rows]) from refused


def each_row(rows: Sequence[Row], take: Callable[[Row], New]) -> list[New]:
    """Return what is made of each row; raise InvalidInput naming the rows of which nothing can be made."""
    made: list[New] = []
    problems: list[Problem] = []
    for number, row in enumerate(rows):
        try:
            made.append(take(row))
        except InvalidInput as refused:
            problems += [_with_row(problem, number) for problem in refused.problems]
    if problems:
        raise InvalidInput(problems)
    return made


def _with_row(problem: Problem, number: int) -> Problem:
    named = problem.field if problem.field.startswith("rows[") else f"rows[{number}].{problem.field}"
    return Problem(named, problem.message, problem.code)

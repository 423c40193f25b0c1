"""What a person may see of a trial, as SQL with its values written in: COPY takes no parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from registry.models import AdverseEvent, Enrolment, MotorThreshold, PainScore, StimulationSession, Trial, User
from registry.selectors.free_text import text_enrolments

SCORE_COLUMNS = (
    "record",
    "enrolment_id",
    "scale_id",
    "visit_type_id",
    "pain_id",
    "for_date",
    "observed_at",
    "submitted_at",
    "zone",
    "value",
    "recall",
    "context",
    "source",
    "rater",
    "answer_state",
    "scheduled",
    "row_id",
)
RECORDS: dict[str, Any] = {"thresholds": MotorThreshold, "sessions": StimulationSession, "events": AdverseEvent}


@contextmanager
def reading_all(using: str) -> Iterator[Any]:
    """Yield a cursor for statements that read all of a trial.

    What was written a moment ago is not in the statistics: a plan for empty tables looks at each row of one for each of
    the other. Without such plans there are none that get slow.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield cursor
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def written_scopes(cursor: Any, trial: Trial, by: User, using: str, **others: Any) -> dict[str, str]:
    """Return each scope by its name; `others` are querysets that stand for a name instead, or for one of their own."""
    scores = PainScore.objects.using(using).visible_to(by).current().filter(enrolment__trial=trial)
    visible: dict[str, Any] = {
        "enrolments": Enrolment.objects.using(using).visible_to(by).filter(trial=trial).values("pk"),
        "scores": scores.values(*SCORE_COLUMNS),
        "score_ids": scores.values("pk"),
    }
    for name, model in RECORDS.items():
        visible[name] = model.objects.using(using).visible_to(by).current().filter(enrolment__trial=trial).values("pk")
    return {
        "trial": str(trial.pk),
        "reads_text": _reads_text(by),
        **{name: _written(cursor, rows, using) for name, rows in (visible | others).items()},
    }


def _reads_text(by: User) -> str:
    """Return the condition on an enrolment `e` under which the person reads what people typed about the patient."""
    enrolments = text_enrolments(by)
    return "true" if enrolments is None else f"e.id = ANY (ARRAY[{', '.join(map(str, enrolments))}]::bigint[])"


def _written(cursor: Any, rows: Any, using: str) -> str:
    sql, values = rows.query.get_compiler(using=using).as_sql()
    return str(cursor.mogrify(sql, values))

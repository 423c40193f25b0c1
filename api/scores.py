"""Pain scores: the rows of pain_scores.csv, each with all its versions behind one id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce
from rest_framework import serializers

from api.batches import BatchedRecords, batch_of
from api.fields import CellField, RowSerializer
from api.file_rows import TRIAL_HELP
from api.records import Columns, ReasonSerializer, Row
from api.versioned import VersionedQuery
from registry.models import PainScore, Trial, User
from registry.roles import Permission
from registry.rules.scores import NewScore
from registry.rules.tables import definitions as tables
from registry.rules.tables.cells import OVERALL
from registry.services.reasons import Reason
from registry.services.scores import correct_score, record_scores, restore_score, void_score
from registry.vocabulary import AnswerState, Rater, RecallPeriod, ScoreContext, ScoreSource

VALUE = tables.PAIN_SCORES.column("value")
WORDS = {"context": ScoreContext, "recall": RecallPeriod, "source": ScoreSource, "rater": Rater, "answer_state": AnswerState}
SAME_NAME = ("for_date", "value", "recall", "context", "source", "rater", "observed_at", "answer_state", "scheduled", "row_id")


class VersionedSerializer(RowSerializer):
    """What all versioned records carry beside the columns of their table."""

    id = serializers.UUIDField(required=False, help_text="Identifier of the record; yours, if you send one: a repeat is then harmless.")
    version = serializers.IntegerField(read_only=True, help_text="Which version of the record this is.")
    voided = serializers.BooleanField(read_only=True, help_text="Whether the record was taken out of use.")
    written_at = serializers.DateTimeField(read_only=True, help_text="When this version was written.")
    trial = serializers.CharField(max_length=40, help_text=TRIAL_HELP)


class ScoreSerializer(VersionedSerializer):
    """A pain score."""

    table = tables.PAIN_SCORES
    needed = ("value", "recall", "context", "source", "pain")


class ScoreRow(ScoreSerializer):
    """A pain score in a list of one trial's."""

    trial: Any = None


class ScoreCorrection(ReasonSerializer):
    """The corrected value, and why. Anything else that is wrong: void the score and add the right one."""

    value = CellField(VALUE, required=True)


class ScoreQuery(VersionedQuery):
    """Lists of scores."""

    visit = serializers.RegexField(r"^[A-Za-z0-9_.-]{1,40}$", required=False, help_text="Code of a visit.")
    scale = serializers.RegexField(r"^[A-Za-z0-9_.-]{1,40}$", required=False, help_text="Code of a scale.")
    context: Any = serializers.ChoiceField(choices=ScoreContext.choices(), required=False, help_text="When it was asked.")


class Scores(BatchedRecords):
    """Pain scores of your patients, as far as your role sees them: masked roles without a duty to patients see none after allocation."""

    noun = "score"
    detail_route = "api_score"
    serializer_class = ScoreSerializer
    correction_class = ScoreCorrection
    query_class = ScoreQuery
    day = "for_date"
    batch_class = batch_of(ScoreRow)
    right = Permission.SCORE_RECORD
    right_to_correct = Permission.SCORE_CORRECT

    def of_person(self, user: User) -> QuerySet[PainScore]:
        """Return the scores the person may see."""
        return PainScore.objects.visible_to(user)

    def columns(self, user: User) -> Columns:
        """Return the columns of pain_scores.csv."""
        return {
            **self.of_version,
            "visit": Coalesce(F("visit_type__code"), Value("")),
            "scale": "scale__code",
            "scale_version": "scale__version",
            "pain": Coalesce(Cast("pain__rank", CharField()), Value(OVERALL)),
            "recorded_at": answered_at(),
            **{name: name for name in SAME_NAME},
        }

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep what the query asks for."""
        names = {"visit": "visit_type__code", "scale": "scale__code", "context": "context"}
        wanted = {names[name]: asked[name] for name in names if asked.get(name)}
        return super().narrowed(rows.filter(**wanted) if wanted else rows, asked)

    def write(self, trial: Trial, rows: Sequence[Row], *, by: User, now: datetime) -> int:
        """Record scores."""
        return record_scores(trial=trial, rows=[new_score(row) for row in rows], by=by, now=now).repeated

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Write the next version."""
        correct_score(self.version(by, record), value=data["value"], reason=reason, by=by, now=now)

    def take_out(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Void the score."""
        void_score(self.version(by, record), reason=reason, by=by, now=now)

    def bring_back(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Restore the score."""
        restore_score(self.version(by, record), reason=reason, by=by, now=now)


def answered_at() -> Case:
    """Return when the answer was given: known where a zone is on record, said where it is not the time of the visit."""
    known = ~Q(zone="") & (Q(observed_at__isnull=True) | ~Q(submitted_at=F("observed_at")))
    return Case(When(known, then=F("submitted_at")), default=Value(None))


def new_score(data: Row) -> NewScore:
    """Return a row as the service takes it."""
    words: dict[str, Any] = {name: words(data[name]) for name, words in WORDS.items() if data.get(name)}
    plain = {name: value for name, value in data.items() if name not in (*WORDS, "visit", "pain", "id")}
    rank = None if data["pain"] == OVERALL else int(data["pain"])
    return NewScore(**plain, **words, visit=data["visit"] or None, pain_rank=rank, record=data["id"])

"""Motor thresholds: the rows of motor_thresholds.csv, each with all its versions behind one id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from api.batches import BatchedRecords, batch_of
from api.fields import RowSerializer
from api.records import Columns, ReasonSerializer, Row
from api.scores import VersionedSerializer
from api.versioned import typed
from registry.models import MotorThreshold, Trial, User
from registry.roles import Permission
from registry.rules.tables import stimulation_tables as tables
from registry.rules.thresholds import NewThreshold
from registry.services.reasons import Reason
from registry.services.thresholds import correct_threshold, record_thresholds, restore_threshold, void_threshold

CODES = ("coil", "stimulator")


class ThresholdSerializer(VersionedSerializer):
    """A motor threshold."""

    table = tables.MOTOR_THRESHOLDS


class ThresholdRow(ThresholdSerializer):
    """A motor threshold in a list of one trial's."""

    trial: Any = None


class ThresholdCorrection(RowSerializer, ReasonSerializer):
    """What of a threshold is corrected, and why."""

    table = tables.MOTOR_THRESHOLDS
    without = ("patient",)
    optional = True


class Thresholds(BatchedRecords):
    """Motor thresholds of your patients."""

    noun = "threshold"
    detail_route = "api_threshold"
    serializer_class = ThresholdSerializer
    correction_class = ThresholdCorrection
    day = "measured_on"
    batch_class = batch_of(ThresholdRow)
    right = Permission.SESSION_RECORD
    right_to_correct = Permission.SESSION_CORRECT

    def of_person(self, user: User) -> QuerySet[MotorThreshold]:
        """Return the thresholds the person may see."""
        return MotorThreshold.objects.visible_to(user)

    def columns(self, user: User) -> Columns:
        """Return the columns of motor_thresholds.csv."""
        return {
            **self.of_version,
            **{name: name for name in tables.MOTOR_THRESHOLDS.names if name not in ("patient", *CODES)},
            **{name: Coalesce(F(f"{name}__code"), Value("")) for name in CODES},
        }

    def write(self, trial: Trial, rows: Sequence[Row], *, by: User, now: datetime) -> int:
        """Record thresholds."""
        return record_thresholds(trial=trial, rows=[new_threshold(row) for row in rows], by=by, now=now).repeated

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Write the next version."""
        kept = {name: record[name] for name in tables.MOTOR_THRESHOLDS.names}
        if "measured_at" in data and "measured_on" not in data:
            kept["measured_on"] = None
        row = NewThreshold(**as_sent({**kept, **data}))
        correct_threshold(self.version(by, record), row=row, reason=reason, by=by, now=now)

    def take_out(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Void the threshold."""
        void_threshold(self.version(by, record), reason=reason, by=by, now=now)

    def bring_back(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Restore the threshold."""
        restore_threshold(self.version(by, record), reason=reason, by=by, now=now)


def new_threshold(data: Row) -> NewThreshold:
    """Return a row as the service takes it."""
    plain = {name: value for name, value in data.items() if name != "id"}
    return NewThreshold(**as_sent(plain), record=data["id"])


def as_sent(data: Row) -> dict[str, Any]:
    """Return a row as the service takes it: words as words, no code as none."""
    row = typed(tables.MOTOR_THRESHOLDS, data)
    return {name: (value or None) if name in CODES else value for name, value in row.items()}

"""What belongs to a trial: its visible treatments, and what is measured when: visits, scales, analysis plans. For reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import RowSerializer
from api.records import Columns, Records, Row, TrialQuery
from registry.models import AnalysisPlan, PlanTimePoint, Scale, Treatment, Trial, User, VisitType
from registry.rules.tables import trial_sections

TRIAL_HELP = "Short name of the trial."


class OfTrial(Records):
    """A collection that belongs to trials and lists by code."""

    query_class = TrialQuery
    order: ClassVar[Sequence[str]] = ("trial_id", "code")
    model: ClassVar[Any]

    def visible(self, user: User) -> QuerySet[Any]:
        """Return the rows of the person's trials."""
        found: QuerySet[Any] = self.model.objects.filter(trial__in=Trial.objects.visible_to(user))
        return found

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep one trial's rows."""
        return rows.filter(trial__slug=asked["trial"]) if asked.get("trial") else rows

    def columns(self, user: User) -> Columns:
        """Return the trial and the columns of the section."""
        shape: Any = self.serializer_class
        return {"trial": "trial__slug", **{name: name for name in shape.table.names}}


class TreatmentSerializer(RowSerializer):
    """What differs to the eye; what is concealed is nowhere in this API."""

    table = trial_sections.TREATMENTS
    reading = True
    trial = serializers.CharField(read_only=True, help_text=TRIAL_HELP)


class Treatments(OfTrial):
    """The visible treatments."""

    noun = "treatment"
    serializer_class = TreatmentSerializer
    model = Treatment


class VisitTypeSerializer(RowSerializer):
    """A named visit of the schedule."""

    table = trial_sections.VISIT_TYPES
    reading = True
    trial = serializers.CharField(read_only=True, help_text=TRIAL_HELP)


class VisitTypes(OfTrial):
    """The visits of the schedule, in their order."""

    noun = "visit type"
    serializer_class = VisitTypeSerializer
    model = VisitType
    order = ("trial_id", "position")


class ScaleSerializer(RowSerializer):
    """How pain is measured."""

    table = trial_sections.SCALES
    reading = True
    trial = serializers.CharField(read_only=True, help_text=TRIAL_HELP)


class Scales(OfTrial):
    """The scales of pain."""

    noun = "scale"
    serializer_class = ScaleSerializer
    model = Scale
    order = ("trial_id", "code", "version")


class TimePointSerializer(serializers.Serializer[Any]):
    """One time point of a plan."""

    code = serializers.CharField(help_text="Code, unique in the plan.")
    label: Any = serializers.CharField(help_text="What people see.")
    kind = serializers.CharField(help_text="`diary`, `visit` or `visit_code`.")
    target_day = serializers.IntegerField(allow_null=True, help_text="The day it is about; the anchor is day 0.")
    first_day = serializers.IntegerField(allow_null=True, help_text="First day of its window.")
    last_day = serializers.IntegerField(allow_null=True, help_text="Last day of its window.")
    visit = serializers.CharField(allow_null=True, help_text="Code of the visit whose values count.")
    rule = serializers.CharField(help_text="Which values count: `mean`, `nearest` or `last`.")
    min_n = serializers.IntegerField(help_text="Fewer values are no value.")
    primary = serializers.BooleanField(help_text="Whether it is the primary time point.")


class PlanSerializer(RowSerializer):
    """One version of how response is decided."""

    table = trial_sections.PLAN
    reading = True
    trial = serializers.CharField(read_only=True, help_text=TRIAL_HELP)
    thresholds = serializers.ListField(child=serializers.FloatField(), help_text="A responder's reduction in percent is at least this.")
    time_points = TimePointSerializer(many=True, help_text="In their order in time.")
    baseline = serializers.SerializerMethodField(help_text="Where the baseline comes from: days before day 0, or a visit.")

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_baseline(self, row: Row) -> Row:
        """Describe the field; rows bring it."""
        found: Row = row["baseline"]
        return found


class Plans(OfTrial):
    """The analysis plans; the last one of a trial counts."""

    noun = "analysis plan"
    serializer_class = PlanSerializer
    model = AnalysisPlan
    order = ("trial_id", "pk")
    row_is_its_columns = False

    def columns(self, user: User) -> Columns:
        """Return what a plan says, its baseline and the numbers its time points hang on."""
        baseline = ("kind", "first_day", "last_day", "rule", "min_n")
        sources = {
            **{name: name for name in trial_sections.PLAN.names},
            "scale": "scale__code",
            "scale_version": "scale__version",
            "thresholds": "thresholds_tenths",
            **{f"baseline_{name}": f"baseline_{name}" for name in baseline},
            "baseline_visit": "baseline_visit_type__code",
        }
        return {"pk": "pk", "trial": "trial__slug", **sources}

    def shown(self, rows: list[Row]) -> list[Row]:
        """Put time points and baseline in their places."""
        points = time_points([row["pk"] for row in rows])
        return [plan_shown(row, points.get(row["pk"], [])) for row in rows]


def plan_shown(row: Row, points: list[Row]) -> Row:
    """Return one plan as it is sent."""
    baseline = {name.removeprefix("baseline_"): value for name, value in row.items() if name.startswith("baseline_")}
    plain = {name: value for name, value in row.items() if name != "pk" and not name.startswith("baseline_")}
    tenths = {"thresholds": [tenth / 10 for tenth in row["thresholds"]]}
    return {**plain, **tenths, "baseline": baseline, "time_points": points}


def time_points(plans: Sequence[int]) -> dict[int, list[Row]]:
    """Return the time points of plans in their order."""
    found: dict[int, list[Row]] = {}
    names = ("code", "label", "kind", "target_day", "first_day", "last_day", "rule", "min_n", "primary")
    for row in PlanTimePoint.objects.filter(plan__in=plans).order_by("plan", "position").values("plan_id", "visit_type__code", *names):
        point = {"visit": row.pop("visit_type__code")}
        found.setdefault(row.pop("plan_id"), []).append(row | point)
    return found

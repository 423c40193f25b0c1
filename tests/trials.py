"""Small trials for tests, written straight to the tables so that a test of one service needs no other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from registry.models import (
    AnalysisPlan,
    Enrolment,
    EnrolmentPain,
    PainDiagnosis,
    PainScore,
    Patient,
    PlanTimePoint,
    ProtocolVersion,
    Scale,
    Site,
    Treatment,
    Trial,
    User,
    VisitType,
)
from registry.services.auditing import audited

ENROLLED_ON = date(2026, 10, 19)


def make_trial(slug: str, *, by: User, conduct: str = "prospective") -> Trial:
    """Return a masked trial: sites N and S, two strands, NRS, visits W4 and W12, a diary plan at 30 and 50 %."""
    with audited(by=by, reason="test trial"):
        trial = Trial.objects.create(
            slug=slug, name=slug.upper(), conduct=conduct, design="parallel", time_zone="Europe/Berlin", masked=True
        )
        Site.objects.create(trial=trial, code="N", name="Northfield")
        Site.objects.create(trial=trial, code="S", name="Southgate")
        Treatment.objects.create(trial=trial, code="m1", label="M1, 10 Hz")
        Treatment.objects.create(trial=trial, code="dlpfc", label="DLPFC, 10 Hz")
        ProtocolVersion.objects.create(trial=trial, version="1.0", effective_from=date(2026, 1, 1))
        for position, (code, day) in enumerate((("BL", 0), ("W4", 28), ("W12", 84)), start=1):
            VisitType.objects.create(
                trial=trial,
                code=code,
                label=f"Week {day // 7}" if day else "Baseline",
                position=position,
                target_day=day,
                days_before=3,
                days_after=3,
            )
        scale = Scale.objects.create(trial=trial, code="NRS", label="Pain 0-10", kind="intensity", minimum=0, maximum=10, step=1)
        _make_plan(trial, scale)
    return trial


def _make_plan(trial: Trial, scale: Scale) -> AnalysisPlan:
    plan = AnalysisPlan.objects.create(
        trial=trial,
        version="1",
        scale=scale,
        recall="average_24h",
        pain="overall",
        contexts=["diary"],
        sources=["diary", "phone", "clinic"],
        anchor="allocation",
        population="allocated",
        strategy="treatment_policy",
        baseline_kind="diary",
        baseline_first_day=-7,
        baseline_last_day=-1,
        baseline_rule="mean",
        baseline_min_n=4,
        thresholds_tenths=[300, 500],
        comparator="sham",
        contrasts=[["active", "sham"]],
    )
    for position, day in enumerate((28, 84), start=1):
        PlanTimePoint.objects.create(
            plan=plan, code=f"W{day // 7}", label=f"Week {day // 7}", position=position, kind="diary", target_day=day,
            first_day=day - 6, last_day=day, rule="mean", min_n=4, primary=day == 84,
        )  # fmt: skip
    return plan


def make_enrolment(trial: Trial, code: str, *, site: str, by: User) -> Enrolment:
    """Return an enrolled patient with phantom limb pain of the left hand as primary pain."""
    with audited(by=by, reason="test patient"):
        patient = Patient.objects.create(birth_year=1961, sex="male", handedness="right")
        enrolment = Enrolment.objects.create(
            trial=trial, patient=patient, patient_code=code, site=trial.sites.get(code=site), enrolled_on=ENROLLED_ON
        )
        diagnosis = PainDiagnosis.objects.create(patient=patient, condition="phantom_limb", certainty="definite", onset="2020-05")
        EnrolmentPain.objects.create(enrolment=enrolment, diagnosis=diagnosis, rank=1, body_region="hand", side="left")
    return enrolment


def make_diary(enrolment: Enrolment, values: dict[int, str], *, by: User, anchor: date = ENROLLED_ON) -> None:
    """Store one diary value a day, keyed by days from the anchor."""
    with audited(by=by, reason="test diary"):
        for day, value in values.items():
            for_date = anchor + timedelta(days=day)
            at = datetime(for_date.year, for_date.month, for_date.day, 19, tzinfo=UTC)
            PainScore.objects.create(
                enrolment=enrolment, scale=enrolment.trial.scales.get(code="NRS"), context="diary", recall="average_24h", source="diary",
                for_date=for_date, submitted_at=at, recorded_at=at, zone="Europe/Berlin", value=Decimal(value),
                value_units=int(Decimal(value) * 10**6),
            )  # fmt: skip

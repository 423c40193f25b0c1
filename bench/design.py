"""The design of the filled trial: sites, scale and plan, made through the models so that what they need by default is there."""

from __future__ import annotations

SITES = 10


def make_design(slug: str) -> dict[str, int]:
    """Make the trial in an empty database; return the numbers of what bench/data.sql refers to."""
    from registry.models import Scale, Site, Treatment, Trial, system_actor
    from registry.services.auditing import audited

    with audited(by=system_actor("setup"), reason="bench"):
        trial = Trial.objects.create(
            slug=slug, name="Bench", conduct="retrospective", design="parallel", time_zone="UTC", pooled_efficacy=True, synthetic=True
        )
        sites = [Site.objects.create(trial=trial, code=f"S{number}", name=f"Site {number}") for number in range(1, SITES + 1)]
        treatment = Treatment.objects.create(trial=trial, code="m1", label="M1")
        scale = Scale.objects.create(trial=trial, code="nrs", label="NRS", kind="intensity", minimum=0, maximum=10, step=1)
        make_plan(trial, scale)
    return {"trial": trial.pk, "treatment": treatment.pk, "scale": scale.pk, "site": sites[0].pk}


def make_plan(trial: object, scale: object) -> None:
    """Make the plan: diaries of a week before and of the fourth week, and the visit nearest to the eighth."""
    from registry.models import AnalysisPlan, PlanTimePoint

    plan = AnalysisPlan.objects.create(
        trial=trial, version="1", scale=scale, recall="average_24h", pain="overall", contexts=["diary", "visit"],
        sources=["diary", "phone", "clinic"], anchor="allocation", population="allocated", strategy="treatment_policy",
        baseline_kind="diary", baseline_first_day=-7, baseline_last_day=-1, baseline_rule="mean", baseline_min_n=4,
        thresholds_tenths=[300, 500], comparator="sham", contrasts=[["active", "sham"]],
    )  # fmt: skip
    PlanTimePoint.objects.create(
        plan=plan, code="W4", label="Week 4", position=1, kind="diary", target_day=28, first_day=22, last_day=28, rule="mean",
        min_n=4, primary=True,
    )  # fmt: skip
    PlanTimePoint.objects.create(
        plan=plan, code="W8", label="Week 8", position=2, kind="visit", target_day=56, first_day=49, last_day=63, rule="nearest",
        min_n=1, primary=False,
    )  # fmt: skip

"""One patient's pain scores as rows, and the versions of one of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from registry.models import AnalysisPlan, Enrolment, EnrolmentPain, PainScore, Scale, User, VisitType
from registry.selectors.free_text import hide_text, reads_text_about

PAGE_SIZE = 50


@dataclass(frozen=True)
class ScorePage:
    """One page of scores, newest day first, with the voided ones in their place."""

    rows: list[PainScore]
    total: int
    page: int


@dataclass(frozen=True)
class ScoreQuestion:
    """What a new score of a patient may be about: its scale and the others, the plan's recall, the pains and visits."""

    scale: Scale
    other_scales: list[Scale]
    recall: str | None
    pains: list[EnrolmentPain]
    visits: list[VisitType]


def score_question(enrolment: Enrolment, scale: str = "") -> ScoreQuestion | None:
    """Return the question on the scale asked for ('CODE.VERSION'), else the plan's, else the first; None without any scale."""
    scales = list(Scale.objects.filter(trial=enrolment.trial).order_by("code", "version"))
    plan = AnalysisPlan.objects.filter(trial=enrolment.trial).order_by("-created_at", "-pk").first()
    wanted = [one for one in scales if f"{one.code}.{one.version}" == scale]
    planned = [one for one in scales if plan is not None and one.pk == plan.scale_id]
    chosen = next(iter(wanted + planned + scales), None)
    if chosen is None:
        return None
    return ScoreQuestion(
        scale=chosen,
        other_scales=[one for one in scales if one != chosen],
        recall=plan.recall if plan is not None else None,
        pains=list(EnrolmentPain.objects.filter(enrolment=enrolment).select_related("diagnosis").order_by("rank")),
        visits=list(VisitType.objects.filter(trial=enrolment.trial).order_by("position")),
    )


def list_scores(user: User, enrolment: Enrolment, *, page: int = 1) -> ScorePage:
    """Return the last version of each score of the patient that the person may see."""
    found = _last_versions(user, enrolment)
    total = found.count()
    page = min(max(page, 1), max(1, -(-total // PAGE_SIZE)))
    ordered = found.order_by(F("for_date").desc(nulls_last=True), F("visit_type__position").desc(nulls_last=True), "-submitted_at", "-pk")
    chosen = ordered.select_related("scale", "pain__diagnosis", "visit_type")[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    rows = list(chosen)
    if not reads_text_about(user, enrolment):
        for row in rows:
            if row.pain is not None:
                hide_text(row.pain.diagnosis)
    return ScorePage(rows, total, page)


def versions_of(user: User, score: PainScore) -> list[PainScore]:
    """Return every version of one score, the first one first."""
    return list(PainScore.objects.visible_to(user).filter(record=score.record).order_by("version"))


def _last_versions(user: User, enrolment: Enrolment) -> QuerySet[PainScore]:
    """Keep current versions and voided ones; a corrected version is ended without being voided.

    A restored score has a voided version behind its current one: that one is left out by its younger sibling.
    """
    rows = PainScore.objects.visible_to(user).filter(enrolment=enrolment)
    voided = rows.filter(voided=True).exclude(record__in=rows.current().values("record"))
    latest_voided = voided.order_by("record", "-version").distinct("record")
    return rows.filter(Q(ended_at__isnull=True) | Q(pk__in=latest_voided.values("pk")))

"""One patient's pain scores as rows, and the versions of one of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from registry.models import Enrolment, PainScore, User

PAGE_SIZE = 50


@dataclass(frozen=True)
class ScorePage:
    """One page of scores, newest day first, with the voided ones in their place."""

    rows: list[PainScore]
    total: int
    page: int


def list_scores(user: User, enrolment: Enrolment, *, page: int = 1) -> ScorePage:
    """Return the last version of each score of the patient that the person may see."""
    found = _last_versions(user, enrolment)
    total = found.count()
    page = min(max(page, 1), max(1, -(-total // PAGE_SIZE)))
    ordered = found.order_by(F("for_date").desc(nulls_last=True), F("visit_type__position").desc(nulls_last=True), "-submitted_at", "-pk")
    chosen = ordered.select_related("scale", "pain__diagnosis", "visit_type")[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return ScorePage(list(chosen), total, page)


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

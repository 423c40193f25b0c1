"""What the rows of a set of scores refer to: patients, scales, visits, pains; and what they mean where they say nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import connections
from django.db.models import F

from registry.closed_room import current_alias
from registry.models import EnrolmentPain, Scale, Trial, User
from registry.roles import Permission
from registry.rules.scores import ScaleRange
from registry.rules.tables.cells import OVERALL
from registry.services.patient_codes import NAMED_ONE_BY_ONE, scope_sql, visible_enrolments
from registry.services.stimulation_references import SessionReferences
from registry.services.trial_design import current_token, design_of
from registry.vocabulary import PlanPain, RecallPeriod


@dataclass(frozen=True, slots=True)
class ScoredPatient:
    """An enrolment that scores may be written for; `writable` tells whether the person may."""

    id: int
    zone: str
    writable: bool
    site_id: int


@dataclass(frozen=True, slots=True)
class KnownScale:
    """A scale of the trial."""

    id: int
    code: str
    version: str
    range: ScaleRange


def known_scale(row: Scale) -> KnownScale:
    """Return a scale as scores are checked against it."""
    return KnownScale(row.pk, row.code, row.version, ScaleRange(row.minimum, row.maximum, row.step))


def pains_of(sessions: SessionReferences) -> dict[tuple[int, int], int]:
    """Return the pains of patients whose sessions are written, by patient and rank."""
    return {(one.id, rank): pain_id for one in sessions.facts.values() for rank, (pain_id, _) in one.pains.items()}


class ScoreReferences:
    """Reads everything once, in a number of queries that does not depend on the rows."""

    def __init__(
        self,
        *,
        trial: Trial,
        by: User,
        using: str | None = None,
        codes: Collection[str] | None = None,
        of_sessions: SessionReferences | None = None,
    ) -> None:
        """`of_sessions` has read all this already, for the sessions that the scores belong to."""
        using = using or current_alias()
        self.trial, self.by, self.using = trial, by, using
        design = of_sessions.design if of_sessions else design_of(trial, current_token(trial, using), using)
        self.allowed_sites = design.writable_sites(trial, by, Permission.SCORE_RECORD)
        self.patients = self._patients_of(of_sessions) if of_sessions else self._patients(codes)
        self.pains = pains_of(of_sessions) if of_sessions else self._pains(codes)
        self.scales = sorted((known_scale(row) for row in design.scales), key=lambda scale: scale.id)
        self.visits = design.visits
        plan = design.plan
        self.recall = str(plan.recall) if plan else str(RecallPeriod.NOT_STATED)
        self.pain = "1" if plan and plan.pain == PlanPain.PRIMARY else OVERALL
        self._plan_scale = plan.scale_id if plan else None

    def _patients_of(self, sessions: SessionReferences) -> dict[str, ScoredPatient]:
        return {
            code: ScoredPatient(one.id, sessions.zone_of(one), one.site_id in self.allowed_sites, one.site_id)
            for code, one in sessions.facts.items()
        }

    def _patients(self, codes: Collection[str] | None) -> dict[str, ScoredPatient]:
        rows = visible_enrolments(self.trial, self.by, self.using)
        if codes is not None and len(codes) <= NAMED_ONE_BY_ONE:
            rows = rows.filter(patient_code__in=codes)
        found = rows.annotate(own=F("patient__time_zone"), at_site=F("site__time_zone")).values_list(
            "patient_code", "pk", "site_id", "own", "at_site"
        )
        return {
            code: ScoredPatient(pk, own or at_site or self.trial.time_zone, site_id in self.allowed_sites, site_id)
            for code, pk, site_id, own, at_site in found.iterator()
        }

    def _pains(self, codes: Collection[str] | None) -> dict[tuple[int, int], int]:
        rows = EnrolmentPain.objects.using(self.using).filter(enrolment__trial=self.trial)
        if codes is not None and len(codes) <= NAMED_ONE_BY_ONE:
            rows = rows.filter(enrolment__patient_code__in=codes)
        return {(enrolment_id, rank): pk for enrolment_id, rank, pk in rows.values_list("enrolment_id", "rank", "pk").iterator()}

    def scale(self, code: str, version: str) -> KnownScale | None:
        """Return the scale meant: an empty code is the plan's, an empty version the plan's or the only one; None if unclear."""
        found = [scale for scale in self.scales if code in ("", scale.code) and version in ("", scale.version)]
        planned = [scale for scale in found if scale.id == self._plan_scale]
        return planned[0] if planned else found[0] if len(found) == 1 else None

    def zone(self, code: str) -> ZoneInfo:
        """Return a patient's time zone."""
        return ZoneInfo(self.patients[code].zone)

    def scope(self) -> str:
        """Return SQL that selects the enrolments the person may see."""
        with connections[self.using].cursor() as cursor:
            return scope_sql(cursor, self.trial, self.by, self.using)

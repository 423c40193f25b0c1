"""Lists of patients and the parts of one patient's page; every read begins with what the person may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Case, CharField, Count, Exists, Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.utils.translation import gettext_lazy as _

from registry.exceptions import NotFound
from registry.models import Allocation, Disposition, Enrolment, EnrolmentPain, PainDiagnosis, PainScore, Site, Trial, User
from registry.selectors.free_text import hide_text, reads_text_about
from registry.selectors.missing_values import counted_at, missing_at
from registry.vocabulary import DispositionKind, PainCondition

PAGE_SIZE = 50

ENDING = (DispositionKind.WITHDRAWAL_OF_CONSENT, DispositionKind.LOST, DispositionKind.DEATH, DispositionKind.END_OF_FOLLOW_UP)

STATES = {
    "screening": _("Not allocated yet"),
    "in_trial": _("In the trial"),
    "stopped": _("Stimulation stopped"),
    "ended": _("Follow-up ended"),
    "completed": _("Completed"),
}


@dataclass(frozen=True)
class PatientFilter:
    """What the list is narrowed to; empty means all."""

    text: str = ""
    site: str = ""
    condition: str = ""
    state: str = ""
    missing: str = ""


@dataclass(frozen=True)
class PatientRow:
    """One line of the list."""

    patient_code: str
    site: str
    condition: str
    state: str
    state_label: str
    enrolled_on: date | None
    scores: int
    latest_day: date | None


@dataclass(frozen=True)
class PatientPage:
    """One page of the list and how much there is."""

    rows: list[PatientRow]
    total: int
    page: int
    pages: int


def trials_visible_to(user: User) -> list[Trial]:
    """Return the person's trials by name."""
    return list(Trial.objects.visible_to(user).order_by("name", "slug"))


def trial_visible_to(user: User, slug: str) -> Trial:
    """Return one of the person's trials; raise NotFound for any other, existing or not."""
    trial = Trial.objects.visible_to(user).filter(slug=slug).first()
    if trial is None:
        raise NotFound("There is no such trial among yours.")
    return trial


def trial_of_request(user: User, slug: str) -> Trial:
    """Return one of the person's trials as it was read with their memberships, which is at each request; raise as `trial_visible_to`."""
    found = next((row.trial for row in user.current_memberships() if row.trial is not None and row.trial.slug == slug), None)
    return trial_visible_to(user, slug) if found is None else found


def enrolment_visible_to(user: User, trial: Trial, patient_code: str, *, with_voided: bool = False) -> Enrolment:
    """Return one patient of the trial; raise NotFound for another site's or trial's, existing or not, and for a voided one unless asked."""
    manager = Enrolment.with_voided if with_voided else Enrolment.objects
    rows = manager.visible_to(user).in_trial(trial).select_related("trial", "site__trial", "patient")
    enrolment = rows.filter(patient_code=patient_code).first()
    if enrolment is None:
        raise NotFound("There is no such patient among yours.")
    return enrolment


def voided_patients(user: User, trial: Trial) -> list[Enrolment]:
    """Return the voided patients of the trial by study number."""
    rows = Enrolment.with_voided.visible_to(user).in_trial(trial).filter(voided_at__isnull=False)
    return list(rows.select_related("site", "trial").order_by("patient_code"))


def score_visible_to(user: User, enrolment: Enrolment, record: UUID) -> PainScore:
    """Return the latest version of one score of the patient; raise NotFound for any other."""
    rows = PainScore.objects.visible_to(user).filter(enrolment=enrolment, record=record)
    score = rows.select_related("scale", "enrolment__trial", "enrolment__site", "visit_type").order_by("-version").first()
    if score is None:
        raise NotFound("There is no such score among those you may see.")
    return score


def sites_visible_to(user: User, trial: Trial) -> list[Site]:
    """Return the trial's sites that the person's memberships cover."""
    return list(Site.objects.visible_to(user).filter(trial=trial).order_by("name", "code"))


def list_patients(user: User, trial: Trial, narrowed: PatientFilter, *, page: int = 1) -> PatientPage:
    """Return one page of the trial's patients by code, with constant statements whatever the number of rows."""
    found = _narrow(with_state(Enrolment.objects.visible_to(user).in_trial(trial)), narrowed)
    if narrowed.missing:
        found = missing_at(found, user, trial, narrowed.missing)
    total = found.count()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(page, 1), pages)
    chosen = list(_with_primary_pain(found).select_related("site").order_by("patient_code")[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
    days = _score_days(user, chosen)
    return PatientPage([_row(enrolment, days) for enrolment in chosen], total, page, pages)


def _has(*kinds: DispositionKind) -> Exists:
    return Exists(Disposition.objects.filter(enrolment=OuterRef("pk"), voided_at__isnull=True, kind__in=kinds))


def with_state(rows: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Annotate what decides an enrolment's state."""
    return rows.annotate(
        is_allocated=Exists(Allocation.objects.filter(enrolment=OuterRef("pk"))),
        has_completed=_has(DispositionKind.COMPLETION),
        has_ended=_has(*ENDING),
        has_stopped=_has(DispositionKind.STOP_OF_STIMULATION),
    )


def _with_primary_pain(rows: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    """Annotate the condition of the primary pain."""
    primary = EnrolmentPain.objects.filter(enrolment=OuterRef("pk"), rank=1)
    return rows.annotate(condition=Subquery(primary.values("diagnosis__condition")[:1]))


_STATE_CONDITIONS = {
    "completed": Q(has_completed=True),
    "ended": Q(has_completed=False, has_ended=True),
    "stopped": Q(has_completed=False, has_ended=False, has_stopped=True),
    "in_trial": Q(has_completed=False, has_ended=False, has_stopped=False, is_allocated=True),
    "screening": Q(has_completed=False, has_ended=False, has_stopped=False, is_allocated=False),
}


def state_case() -> Case:
    """Return the state of an enrolment annotated by `with_state`, as SQL."""
    return Case(*[When(condition, then=Value(state)) for state, condition in _STATE_CONDITIONS.items()], output_field=CharField())


def _narrow(rows: QuerySet[Enrolment], narrowed: PatientFilter) -> QuerySet[Enrolment]:
    """Apply the filter; an unknown word finds nothing rather than everything."""
    if narrowed.text:
        rows = rows.filter(patient_code__contains=narrowed.text.strip().upper())
    if narrowed.site:
        # Who is missing is counted where the outcomes count them.
        rows = counted_at(rows, narrowed.site) if narrowed.missing else rows.filter(site__code=narrowed.site)
    if narrowed.condition:
        rows = rows.filter(pains__rank=1, pains__voided_at=None, pains__diagnosis__condition=narrowed.condition)
    if narrowed.state:
        rows = rows.filter(_STATE_CONDITIONS.get(narrowed.state, Q(pk__in=[])))
    return rows


def _score_days(user: User, enrolments: list[Enrolment]) -> dict[int, tuple[int, date | None]]:
    """Return the number of current scores and the latest day for each enrolment of a page."""
    rows = PainScore.objects.visible_to(user).current().filter(enrolment__in=enrolments)
    return {row["enrolment"]: (row["n"], row["latest"]) for row in rows.values("enrolment").annotate(n=Count("pk"), latest=Max("for_date"))}


def state_of(enrolment: Enrolment) -> str:
    """Return the state of an enrolment annotated by this module."""
    flags = {name: getattr(enrolment, name) for name in ("has_completed", "has_ended", "has_stopped", "is_allocated")}
    if flags["has_completed"]:
        return "completed"
    if flags["has_ended"]:
        return "ended"
    if flags["has_stopped"]:
        return "stopped"
    return "in_trial" if flags["is_allocated"] else "screening"


def _row(enrolment: Enrolment, days: dict[int, tuple[int, date | None]]) -> PatientRow:
    condition = getattr(enrolment, "condition", None)
    scores, latest = days.get(enrolment.pk, (0, None))
    state = state_of(enrolment)
    return PatientRow(
        patient_code=enrolment.patient_code,
        site=enrolment.site.name,
        condition=PainCondition(condition).label if condition else "",
        state=state,
        state_label=str(STATES[state]),
        enrolled_on=enrolment.enrolled_on,
        scores=scores,
        latest_day=latest,
    )


@dataclass(frozen=True)
class PatientFacts:
    """What the head and side of the patient's page tell."""

    enrolment: Enrolment
    state: str
    state_label: str
    pains: list[EnrolmentPain]
    diagnoses: list[PainDiagnosis]
    dispositions: list[Disposition]
    allocation: Allocation | None


def patient_facts(user: User, enrolment: Enrolment) -> PatientFacts:
    """Return the facts around a patient the person may see; the allocation is its visible half alone."""
    rows = with_state(Enrolment.objects.visible_to(user).filter(pk=enrolment.pk)).prefetch_related(
        Prefetch("pains", EnrolmentPain.objects.select_related("diagnosis").order_by("rank")),
        Prefetch("dispositions", Disposition.objects.filter(voided_at__isnull=True).order_by("happened_on", "pk")),
        Prefetch("allocations", Allocation.objects.select_related("treatment").order_by("stage")),
        Prefetch("patient__diagnoses", PainDiagnosis.objects.order_by("code")),
    )
    row = rows.get()
    state = state_of(row)
    if not reads_text_about(user, row):
        for one in (*row.pains.all(), *(pain.diagnosis for pain in row.pains.all()), *row.patient.diagnoses.all(), *row.dispositions.all()):
            hide_text(one)
    return PatientFacts(
        enrolment=enrolment,
        state=state,
        state_label=str(STATES[state]),
        pains=list(row.pains.all()),
        diagnoses=list(row.patient.diagnoses.all()),
        dispositions=list(row.dispositions.all()),
        allocation=next(iter(row.allocations.all()), None),
    )

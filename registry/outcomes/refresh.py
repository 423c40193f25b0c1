"""Bringing a trial's endpoints and snapshot up to date: one database snapshot for records, seal, open and closed document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from registry.models import Enrolment, Job, Snapshot, StaleMark, Trial
from registry.outcomes.closed_counts import read_closed_half, seal_closed_events, store_closed_half
from registry.outcomes.code_version import code_version
from registry.outcomes.counting import canonical_input, judging_parameters, open_cells
from registry.outcomes.disclosure import Disclosure
from registry.outcomes.endpoints import fill_endpoints
from registry.outcomes.locks import session_lock
from registry.outcomes.payload import Circumstances, closed_payload, open_payload
from registry.outcomes.plans import CheckedPlan, current_plan
from registry.outcomes.recruitment import read_recruited
from registry.selectors.outcome_payload import Payload, canonical, digest
from registry.services.sealing import seal_changes, sealing_lock
from registry.vocabulary import JobKind, JobState

# Records of web servers whose clocks run ahead of this one by less are waited for; later ones are taken as meant.
CLOCK_SKEW = timedelta(minutes=5)
# These change with every refresh; a snapshot that differs in nothing else says nothing new.
_CIRCUMSTANTIAL = ("cutoff", "seal", "seal_hash")


@dataclass(frozen=True)
class _Made:
    """The documents of one refresh; `snapshot` is None where they say nothing new."""

    snapshot: Snapshot | None
    closed: str


def refresh_trial(trial_id: int, *, clock: Callable[[], datetime] = timezone.now) -> Snapshot | None:
    """Make stale endpoints again and, where anything differs, a new open and closed snapshot; return the open one.

    The cut-off is read from the clock after the database snapshot was taken, so that whatever is visible lies before it.
    A trial without a plan has no outcomes; nothing is made.
    """
    with session_lock(f"registry_refresh:{trial_id}"), sealing_lock():
        _let_the_planner_know_what_grew()
        closed_seal = seal_closed_events(Trial.objects.get(pk=trial_id))
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            trial = Trial.objects.get(pk=trial_id)
            plan = current_plan(trial)
            made = _make(trial, plan, clock, closed_seal) if plan else _forget(trial)
        if made.snapshot:
            store_closed_half(
                trial, open_snapshot_id=made.snapshot.pk, number=made.snapshot.number, payload=made.closed, sha256=digest(made.closed)
            )
    return made.snapshot


def _let_the_planner_know_what_grew() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_analyze_grown()")


def _forget(trial: Trial) -> _Made:
    StaleMark.objects.filter(trial=trial).delete()
    return _Made(None, "")


def _make(trial: Trial, plan: CheckedPlan, clock: Callable[[], datetime], closed_seal: int | None) -> _Made:
    sealed = seal_changes()
    cutoff = clock()
    last = Snapshot.objects.filter(trial=trial).order_by("-number").first()
    stale = _stale(trial, plan, last, cutoff)
    if stale is None or stale:
        fill_endpoints(trial, plan, cutoff=cutoff, enrolment_ids=stale)
        _mark_the_future(trial, cutoff, stale)
    recruited, disclosure = read_recruited(connection, trial, cutoff), Disclosure.of(trial)
    about = Circumstances(trial, plan, cutoff, sealed.number, sealed.hash, code_version(), recruited, disclosure)
    counted, judged = open_cells(connection, plan, judging_parameters(trial, plan, cutoff))
    opened = open_payload(about, counted)
    half = read_closed_half(trial, plan, judged, last.pk if last else None, disclosure)
    closed = closed_payload(about, half.counted, half.arms)
    closed["closed_seal"], closed["input_sha256"] = closed_seal, digest(canonical_input(judged))
    if last and half.stored and _says_nothing_new(last.payload, half.stored, opened, closed):
        return _Made(None, "")
    text = canonical(opened)
    closed["open_sha256"] = digest(text)
    snapshot = Snapshot.objects.create(
        trial=trial,
        plan=plan.row,
        number=last.number + 1 if last else 1,
        cutoff=cutoff,
        seal_id=sealed.number,
        code_version=about.code_version,
        payload=text,
        sha256=closed["open_sha256"],
    )
    return _Made(snapshot, canonical(closed))


def _stale(trial: Trial, plan: CheckedPlan, last: Snapshot | None, cutoff: datetime) -> list[int] | None:
    """Take the trial's marks; return the enrolments to make again, or None for all of them."""
    marks = StaleMark.objects.filter(trial=trial)
    named = set(marks.values_list("enrolment_id", flat=True))
    marks.delete()
    if last is None or last.plan_id != plan.row.pk or last.code_version != code_version():
        return None
    if None in named or _is_first_of_the_day(trial, cutoff) or 2 * len(named) > Enrolment.objects.filter(trial=trial).count():
        return None
    return sorted(pk for pk in named if pk is not None)


def _is_first_of_the_day(trial: Trial, cutoff: datetime) -> bool:
    """Tell whether no refresh was finished on this day of the trial: dates that lay ahead may have come."""
    if trial.all_due:
        return False
    done = Job.objects.filter(trial=trial, kind=JobKind.REFRESH, state=JobState.DONE).order_by("-finished_at").first()
    return done is None or done.finished_at is None or done.finished_at.astimezone(trial.zone).date() < cutoff.astimezone(trial.zone).date()


def _mark_the_future(trial: Trial, cutoff: datetime, stale: list[int] | None) -> None:
    """Mark again who has a record from just after the cut-off: written by a server whose clock runs ahead."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO registry_stalemark (trial_id, enrolment_id)
            SELECT DISTINCT %(trial)s::bigint, written.enrolment_id FROM (
                SELECT enrolment_id, greatest(recorded_at, ended_at) AS last_at FROM registry_painscore
                UNION ALL SELECT enrolment_id, greatest(recorded_at, ended_at) FROM registry_stimulationsession
            ) written JOIN registry_enrolment e ON e.id = written.enrolment_id AND e.trial_id = %(trial)s
            WHERE written.last_at >= %(cutoff)s AND written.last_at < %(until)s
            {"AND written.enrolment_id = ANY(%(enrolments)s)" if stale is not None else ""}
            """,
            {"trial": trial.pk, "cutoff": cutoff, "until": cutoff + CLOCK_SKEW, "enrolments": stale},
        )


def _says_nothing_new(stored_open: str, stored_closed: str, opened: Payload, closed: Payload) -> bool:
    """Tell whether a snapshot would repeat the last one.

    Whether there is a new one is seen outside the closed room, so it is decided without looking at what arms came to: the
    judged rows, which know no arm, and whether anything was written in there, which does not depend on who got what.
    """
    before = json.loads(stored_closed)
    # Whether response is in it goes by the charter's dates, not by an arm either.
    same_input = all(before.get(key) == closed.get(key) for key in ("input_sha256", "closed_seal", "efficacy"))
    return same_input and _substance(json.loads(stored_open)) == _substance(json.loads(canonical(opened)))


def _substance(payload: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in payload.items() if key not in _CIRCUMSTANTIAL}

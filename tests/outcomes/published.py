"""The reference trials in the tables: named visits, no dates, everything due, one value is enough."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from django.db import connections

from registry.models import Enrolment, Trial, User
from registry.rules.response import PatientRecord
from registry.services.auditing import audited
from tests.outcomes.stored_trials import store_trial
from tests.rules.published_trials import CUTOFF, PublishedTrial, _score
from tests.stats.reference_rows import rows_of

ORDER = ("acupuncture", "ACTIVE", "active")


def store_published(published: PublishedTrial, shared: Path, *, by: User, **changes: object) -> Trial:
    """Store a published trial with its arms, active first; A is the control, as a draw of letters may have it."""
    folder = published.folder(shared)
    scores = defaultdict(list)
    for number, row in enumerate(rows_of(folder / "scores.csv")):
        scores[row["subject_id"]].append(_score(number, row))
    participants = rows_of(folder / "participants.csv")
    arms = [row["arm"] for row in participants]
    records = [PatientRecord(allocated=True, scores=tuple(scores[row["subject_id"]])) for row in participants]
    stored = store_trial(published.plan, records, CUTOFF, by=by)
    names = sorted(set(arms), key=lambda arm: arm not in ORDER)
    with audited(by=by, reason="published trial"):
        Trial.objects.filter(pk=stored.trial.pk).update(slug=published.name, **changes)
        plan = stored.trial.plans.get()
        plan.contrasts, plan.comparator = [names], names[1]
        plan.save()
    _store_arms(stored.trial, list(stored.records), arms, names, by=by)
    return Trial.objects.get(pk=stored.trial.pk)


def _store_arms(trial: Trial, enrolments: list[int], arms: list[str], names: list[str], *, by: User) -> None:
    treatment = trial.treatments.get().pk
    with audited(by=by, reason="published trial", using="closed"), connections["closed"].cursor() as cursor:
        ids = {}
        for position, name in enumerate(names, start=1):
            cursor.execute(
                """INSERT INTO closed.arm (trial_id, code, label, treatment_id, part, letter, position)
                   VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id""",
                [trial.pk, name, name.capitalize(), treatment, name, "BA"[position - 1], position],
            )
            ids[name] = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO closed.allocation (enrolment_id, arm_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[])",
            [enrolments, [ids[arm] for arm in arms]],
        )


def enrolment_of(trial: Trial, number: int) -> Enrolment:
    """Return the enrolment of a participant by their place in the file."""
    return Enrolment.objects.get(trial=trial, patient_code=f"P{number}")

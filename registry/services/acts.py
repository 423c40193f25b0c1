"""The act log: what people did that changes no record."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from registry.models import ActLog, Trial, User
from registry.rules.tables.definitions import ALLOCATIONS
from registry.services.auditing import current_request_id
from registry.vocabulary import Act

# Acts that put arms of patients, or outcomes by arm, before somebody's eyes. Who brings allocations in has them in hand as well.
SHOWS_ARMS = (
    Q(act__in=[Act.CLOSED_OUTCOMES_READ, Act.CLOSED_REPORT_READ, Act.ALLOCATION_READ])
    | Q(act=Act.EXPORT, detail__with_allocations=True)
    | Q(act=Act.IMPORT, detail__files__contains=[ALLOCATIONS.file])
)


def log_act(act: Act, *, by: User | None, trial: Trial | None = None, target: str = "", using: str = "default", **detail: Any) -> None:
    """Note one act. `target` names a record by its pseudonymous code, never a person."""
    ActLog.objects.using(using).create(actor=by, act=act, trial=trial, target=target, detail=detail, request_id=current_request_id.get())


def arms_were_shown(trial: Trial, using: str = "default") -> bool:
    """Tell whether anybody has looked at arms of the trial, by whichever door."""
    return ActLog.objects.using(using).filter(SHOWS_ARMS, trial_id=trial.pk).exists()

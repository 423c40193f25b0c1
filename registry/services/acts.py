"""The act log: what people did that changes no record."""

from __future__ import annotations

from typing import Any

from registry.models import ActLog, Trial, User
from registry.services.auditing import current_request_id
from registry.vocabulary import Act


def log_act(act: Act, *, by: User | None, trial: Trial | None = None, target: str = "", using: str = "default", **detail: Any) -> None:
    """Note one act. `target` names a record by its pseudonymous code, never a person."""
    ActLog.objects.using(using).create(actor=by, act=act, trial=trial, target=target, detail=detail, request_id=current_request_id.get())

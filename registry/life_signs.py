"""A worker's own sign of life: a thread beside its jobs, so that one which is busy or idle for long is not taken for gone."""

from __future__ import annotations

import threading
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from registry.services.heartbeats import note_end, note_life

BEAT_EVERY_S = 15
log = structlog.get_logger(__name__)
_ended = threading.Event()


def begin(worker: str) -> None:
    """Beat from now on."""
    _ended.clear()
    threading.Thread(target=beat_until_the_end, args=(worker,), name="life-signs", daemon=True).start()


def end(worker: str) -> None:
    """Say goodbye: a worker that ends in order is not missed."""
    _ended.set()
    tell(note_end, worker)


def beat_until_the_end(worker: str) -> None:
    """Write a beat every few seconds, the first at once."""
    while not _ended.is_set():
        tell(note_life, worker, timezone.now())
        _ended.wait(BEAT_EVERY_S)


def tell(act: Any, *facts: Any) -> None:
    """Do it on a connection of the moment; a database that is away is told of in the log, and asked again at the next beat."""
    try:
        act(*facts)
    except (DatabaseError, InterfaceError) as error:
        log.warning("life_sign_not_written", reason=type(error).__name__)
    finally:
        connection.close()

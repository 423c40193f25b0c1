"""Moments that somebody on duty wants to know and no table keeps: in the cache, gone with the broker's memory."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import redis
from django.core.cache import cache

SWEPT_AT = "swept_at"


def note_sweep(now: datetime) -> None:
    """Note that the sweep ran; a cache that is away is no reason to fail."""
    with suppress(redis.RedisError, OSError):
        cache.set(SWEPT_AT, now.isoformat(), timeout=None)


def swept_at() -> datetime | None:
    """Return when the sweep last ran, or None where that is not known."""
    with suppress(redis.RedisError, OSError):
        text = cache.get(SWEPT_AT)
        return datetime.fromisoformat(text) if text else None
    return None


def note_progress(record: UUID, facts: dict[str, Any]) -> None:
    """Note how far work on an upload is."""
    with suppress(redis.RedisError, OSError):
        cache.set(f"progress:{record}", facts, timeout=3600)


def progress_of(record: UUID) -> dict[str, Any]:
    """Return how far work on an upload is, nothing where that is not known."""
    with suppress(redis.RedisError, OSError):
        return cache.get(f"progress:{record}") or {}
    return {}

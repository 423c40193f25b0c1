"""How much one person may ask a minute, counted in Valkey for all processes together; without Valkey nobody is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:
    # Imported while APIView itself is being made.
    from rest_framework.views import APIView

WINDOW_S = 60
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Window:
    """One minute's count: how many are allowed, how many are left, and in how many seconds the next minute begins."""

    allowed: int
    left: int
    ends_in_s: int

    @property
    def headers(self) -> dict[str, str]:
        """Return the two headers of the IETF's draft on rate limits."""
        return {
            "RateLimit-Policy": f'"person";q={self.allowed};w={WINDOW_S}',
            "RateLimit": f'"person";r={self.left};t={self.ends_in_s}',
        }


def counted(name: str, allowed: int, count: Callable[[str], int]) -> Window:
    """Return where a count stands; `left` is negative once too many came."""
    now = time.time()
    minute = int(now // WINDOW_S)
    try:
        used = count(f"api:{name}:{minute}")
    except (RedisError, OSError, ValueError) as error:  # ValueError: the count was thrown away as soon as it was begun
        log.warning("no_rate_limit", reason=type(error).__name__)
        used = 0
    return Window(allowed, allowed - used, int((minute + 1) * WINDOW_S - now) + 1)


def one_more(key: str) -> int:
    """Add one to a count, which begins with the first of its minute, and return it."""
    try:
        return int(cache.incr(key))
    except ValueError:
        cache.add(key, 0, timeout=2 * WINDOW_S)
        return int(cache.incr(key))


def so_far(key: str) -> int:
    """Return a count as it stands."""
    return int(cache.get(key, 0))


class RequestsOfPerson(BaseThrottle):
    """Requests of one person a minute, whatever their tokens."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request and tell whether it may go on."""
        self.window = counted(f"person:{request.user.pk}", settings.API_REQUESTS_PER_MINUTE, one_more)
        setattr(request._request, "api_window", self.window)  # noqa: B010  (HttpRequest declares no such attribute)
        return self.window.left >= 0

    def wait(self) -> float:
        """Return how many seconds to wait."""
        return self.window.ends_in_s


def check_refusals(request: Request) -> None:
    """Raise Throttled where an address has sent too many wrong tokens."""
    window = counted(_address(request), settings.API_REFUSALS_PER_MINUTE, so_far)
    if window.left <= 0:
        raise Throttled(wait=window.ends_in_s)


def count_refusal(request: Request) -> None:
    """Note one wrong token."""
    counted(_address(request), settings.API_REFUSALS_PER_MINUTE, one_more)


def _address(request: Request) -> str:
    return f"refusals:{request.META.get('REMOTE_ADDR', '')}"

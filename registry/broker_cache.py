"""The cache in Valkey, with one client for each process: Django makes one for each command, which takes longer than the command."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis

# Django asks whether the key is there and then adds to it; here both are one.
ADD_IF_THERE = "return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('INCRBY', KEYS[1], ARGV[1])"


class KeptClient(RedisCacheClient):
    """Commands by a client that lives as long as its pool of connections, which threads may share."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept: dict[int, Redis] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        """Return the client of the server that reads or writes."""
        index: int = self._get_connection_pool_index(write)  # type: ignore[attr-defined]  # not in django-stubs
        if index not in self._kept:
            self._kept[index] = super().get_client(key, write=write)
        return self._kept[index]

    def incr(self, key: Any, delta: int) -> int:
        """Add to a number and return it; raise ValueError where there is none under the key."""
        number = self.get_client(key, write=True).eval(ADD_IF_THERE, 1, key, delta)
        if number is None:
            raise ValueError(f"no number under {key}")
        return int(number)


class BrokerCache(RedisCache):
    """Django's cache in Redis, by that client."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient

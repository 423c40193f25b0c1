"""The cache does what Django's does, in fewer questions and by one client."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.core.cache.backends.redis import RedisCache

from registry.broker_cache import BrokerCache
from registry.embedded import broker, throwaway
from registry.embedded.place import Place


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Valkey that nobody will miss."""
    place = Place(Path(tempfile.mkdtemp(prefix="rtms-cache-")).resolve())
    with ExitStack() as stack:
        stack.callback(throwaway.remove, place)
        place.prepare()
        throwaway.start_broker(place, stack)
        yield f"unix://{place.sockets / broker.SOCKET}"


@pytest.mark.parametrize("kind", [RedisCache, BrokerCache])
def test_a_number_is_counted_up_until_its_time_is_over(address: str, kind: type[RedisCache]) -> None:
    cache = kind(address, {"KEY_PREFIX": kind.__name__})
    with pytest.raises(ValueError, match=r"number|not found"):
        cache.incr("person:1")
    assert cache.get("person:1", 0) == 0
    assert cache.add("person:1", 0, timeout=120)
    assert not cache.add("person:1", 7, timeout=120)
    assert [cache.incr("person:1"), cache.incr("person:1", 3), cache.get("person:1")] == [1, 4, 4]
    client = cache._cache.get_client()
    assert 0 < client.ttl(cache.make_key("person:1")) <= 120
    cache.delete("person:1")
    with pytest.raises(ValueError, match=r"number|not found"):
        cache.incr("person:1")


def test_one_client_serves_all_commands(address: str) -> None:
    cache = BrokerCache(address, {})
    assert cache._cache.get_client() is cache._cache.get_client("key", write=True)

"""Celery's transport for Valkey and Redis, with one thing mended: a worker that could not acknowledge a message goes on all the same.

Without it the message counts as under way for ever, and a worker that takes one message at a time waits for it: after a cable was pulled
in the middle of a task, it would stay connected and do nothing. The broker sends the message again later; the job's row knows by then.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis, virtual


class ForgivingQoS(redis.QoS):
    """Keeps count of the messages under way."""

    def ack(self, delivery_tag: Any) -> None:
        """Take a message off the count whether the broker hears of it or not."""
        try:
            super().ack(delivery_tag)
        except redis.Transport.connection_errors:
            virtual.QoS.ack(self, delivery_tag)
            raise


class Channel(redis.Channel):
    QoS = ForgivingQoS


class Transport(redis.Transport):
    Channel = Channel


def use() -> None:
    """Let addresses of the known schemes be served by this transport."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{Transport.__module__}:{Transport.__qualname__}"

"""Silence is noticed by both ends within the time that is set, and a worker that could not acknowledge a message takes the next one."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.imports import symbol_by_name

from registry import celery, reachability
from registry.broker_transport import ForgivingQoS, Transport


@pytest.mark.parametrize("seconds", [1, 6, 30, 31, 600])
def test_all_probes_fit_into_the_time(seconds):
    idle, interval = reachability.probe_times(seconds)
    assert idle >= 1
    assert interval >= 1
    assert idle + reachability.PROBES * interval <= max(seconds, 1 + reachability.PROBES)


def test_both_ends_of_a_connection_to_the_database_look_for_each_other():
    options = reachability.database_options("db", 30)
    assert (options["keepalives_idle"], options["keepalives_interval"], options["keepalives_count"]) == (15, 5, 3)
    assert options["tcp_user_timeout"] == 30_000
    assert "-c tcp_keepalives_idle=15" in str(options["options"])
    # A server that waits for a lock does not read, and would not notice.
    assert "-c client_connection_check_interval=5000" in str(options["options"])


def test_a_socket_of_this_machine_is_not_probed():
    assert reachability.database_options("/tmp/rtms", 30) == {}
    assert reachability.database_options("", 30) == {}


def test_zero_leaves_it_to_the_system():
    assert reachability.database_options("db", 0) == {}
    assert reachability.broker_options(0) == {}


def test_broker_is_probed_as_the_system_lets_it():
    options: dict[str, Any] = reachability.broker_options(30)
    assert options["socket_keepalive"] is True
    assert options["socket_keepalive_options"][socket.TCP_KEEPCNT] == reachability.PROBES
    with socket.socket() as plain:
        for option, value in options["socket_keepalive_options"].items():
            plain.setsockopt(socket.IPPROTO_TCP, option, value)


def test_settings_hand_both_on(settings):
    assert settings.PEER_LOST_AFTER_S == 30
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS.items() >= reachability.broker_options(30).items()


def test_worker_goes_on_after_an_acknowledgement_that_did_not_get_through(monkeypatch):
    def refuse(_self, _tag, pipe=None):
        raise redis.exceptions.ConnectionError

    monkeypatch.setattr(ForgivingQoS, "_remove_from_indices", refuse)
    counted = ForgivingQoS(SimpleNamespace(do_restore=False), prefetch_count=1)
    virtual.QoS.append(counted, SimpleNamespace(), "tag")
    assert not counted.can_consume()
    with pytest.raises(redis.exceptions.ConnectionError):
        counted.ack("tag")
    assert counted.can_consume()


def test_application_uses_the_mended_transport():
    assert celery.app.conf.task_acks_late
    assert {symbol_by_name(TRANSPORT_ALIASES[scheme]) for scheme in ("redis", "rediss")} == {Transport}
    assert symbol_by_name(TRANSPORT_ALIASES["redis"]).Channel.QoS is ForgivingQoS

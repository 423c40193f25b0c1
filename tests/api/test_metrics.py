"""/metrics: the status in Prometheus' text format, for the operator's token or a signed-in administrator."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest import mock

import pytest
from django.core.cache import cache
from django.utils import timezone

from registry.marks import note_sweep
from registry.services.heartbeats import note_life, note_work

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-the-operator-for-tests"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
LINE = re.compile(r'(# (HELP \w+ .+|TYPE \w+ gauge)|\w+(\{\w+="[^"]*"\})? \d+)')


def values(text: str) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_token_reads_what_is_known(client, settings, now):
    settings.METRICS_TOKEN = TOKEN
    cache.clear()
    note_work("worker@here", now - timedelta(seconds=20))
    note_life("worker@there", now - timedelta(seconds=70))
    note_sweep(now - timedelta(seconds=5))
    with mock.patch.object(timezone, "now", return_value=now):
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    cache.clear()
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert answer["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    text = answer.content.decode()
    assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
    found = values(text)
    assert found[f'rtms_info{{version="{settings.VERSION}"}}'] == "1"
    assert (found["rtms_worker_heartbeat_age_seconds"], found["rtms_sweep_age_seconds"]) == ("20", "5")
    assert (found['rtms_worker_seen_age_seconds{worker="worker@here"}'], found['rtms_worker_seen_age_seconds{worker="worker@there"}']) == (
        "20",
        "70",
    )
    assert found['rtms_jobs{state="failed"}'] == "0"
    assert int(found["rtms_disk_free_bytes"]) <= int(found["rtms_disk_size_bytes"])


def test_what_was_never_seen_is_left_out(client, settings, tmp_path):
    """So that an alert on its absence fires, where a zero would say that all is well."""
    settings.METRICS_TOKEN, settings.DATA = TOKEN, tmp_path
    cache.clear()
    found = values(client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode())
    assert {"rtms_worker_heartbeat_age_seconds", "rtms_sweep_age_seconds", "rtms_backup_age_seconds"} & set(found) == set()


@pytest.mark.parametrize("shown", ["", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ", "Bearer", f"Bearer {TOKEN[:-1]}"])
def test_anything_else_is_refused(client, settings, shown):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": shown})
    assert (answer.status_code, answer.content, answer["WWW-Authenticate"]) == (401, b"", 'Bearer realm="metrics"')


def test_without_a_token_in_the_settings_none_fits(client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


def test_token_in_the_address_opens_nothing(client, settings):
    """An address ends in logs."""
    settings.METRICS_TOKEN = TOKEN
    assert client.get(f"/metrics?token={TOKEN}").status_code == 401


def test_people_need_the_right(client, admin, alice):
    client.force_login(alice, backend=BACKEND)
    assert client.get("/metrics").status_code == 403
    client.force_login(admin, backend=BACKEND)
    assert client.get("/metrics").status_code == 200

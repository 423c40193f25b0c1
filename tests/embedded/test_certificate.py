"""HTTPS for the ward: certificates made here, certificates of the site, and each thing that can be wrong in one sentence."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from registry.embedded import certificate
from registry.embedded.place import Place
from registry.embedded.readiness import any_certificate
from registry.embedded.refusals import Refused
from registry.management.commands.up import answered_names, encryption, https_settings

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
NAMES = ["ward-3.example.org", "192.0.2.7", "[::1]", "localhost"]


def made(tmp_path: Path, names: list[str] = NAMES, now: datetime = NOW) -> certificate.Tls:
    return certificate.self_made(Place(tmp_path), names, now)


def sentence_of(action: Any) -> str:
    with pytest.raises(Refused) as caught:
        action()
    return str(caught.value)


def wishes(**given: Any) -> dict[str, Any]:
    return {"bind": "0.0.0.0", "certificate": None, "key": None, "https": False, "plain_http": False, **given}


def test_made_certificate_names_every_name_and_its_key_is_private(tmp_path):
    tls = made(tmp_path)
    held = certificate.read(tls.certificate).extensions.get_extension_for_class(certificate.x509.SubjectAlternativeName).value
    assert [str(name.value) for name in held] == ["ward-3.example.org", "192.0.2.7", "::1", "localhost"]
    assert stat.S_IMODE(tls.key.stat().st_mode) == 0o600
    assert certificate.given(tls.certificate, tls.key, NOW).certificate == tls.certificate


def test_made_certificate_is_kept_as_long_as_it_serves(tmp_path):
    """Who trusted it once need not do so again at each start."""
    first = made(tmp_path).fingerprint
    assert made(tmp_path, list(reversed(NAMES)), NOW + timedelta(days=300)).fingerprint == first
    assert made(tmp_path, now=NOW + timedelta(days=370)).fingerprint != first


def test_another_name_makes_another_certificate(tmp_path):
    assert made(tmp_path).fingerprint != made(tmp_path, [*NAMES, "10.0.0.7"]).fingerprint


def test_certificate_without_its_key_is_refused(tmp_path):
    said = "--certificate and --key belong together: name the file of the certificate and the file of its key."
    assert sentence_of(lambda: certificate.given(tmp_path / "c", None, NOW)) == said
    assert sentence_of(lambda: certificate.given(None, tmp_path / "k", NOW)) == said


def test_files_that_are_not_there_are_named(tmp_path):
    said = sentence_of(lambda: certificate.given(tmp_path / "c", tmp_path / "k", NOW))
    assert (
        said == f"{tmp_path / 'c'} or {tmp_path / 'k'} cannot be read (No such file or directory): name files that this account can read."
    )


def test_key_of_another_certificate_is_refused(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    assert "are not a certificate and its key" in sentence_of(lambda: certificate.given(one.certificate, two.key, NOW))


def test_certificate_out_of_date_is_refused(tmp_path):
    tls = made(tmp_path)
    said = sentence_of(lambda: certificate.given(tls.certificate, tls.key, NOW + timedelta(days=400)))
    assert said == f"{tls.certificate} is valid from 2026-11-20 to 2027-12-22, and not now: name a certificate that is."


def test_other_machines_are_not_let_in_in_the_clear_unasked(tmp_path, settings):
    settings.SECURE_PROXY_SSL_HEADER = None
    assert sentence_of(lambda: encryption(Place(tmp_path), ["localhost"], wishes())) == (
        "--bind 0.0.0.0 lets other machines in, and passwords would travel in the clear: add --https, or --certificate and --key, "
        "or --plain-http where a proxy in front speaks HTTPS."
    )
    assert encryption(Place(tmp_path), ["localhost"], wishes(plain_http=True)) is None
    assert encryption(Place(tmp_path), ["localhost"], wishes(bind="127.0.0.1")) is None
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert encryption(Place(tmp_path), ["localhost"], wishes()) is None


def test_names_asked_for_are_answered_and_certified(tmp_path, settings):
    settings.ALLOWED_HOSTS = ["localhost", "[::1]"]
    names = answered_names("192.0.2.7", ["ward-3", "::1", "localhost"])
    assert names == ["localhost", "[::1]", "192.0.2.7", "ward-3"]
    tls = encryption(Place(tmp_path), names, wishes(bind="192.0.2.7", https=True))
    assert tls
    assert certificate.serves(certificate.read(tls.certificate), names, datetime.now(UTC))


def test_self_made_certificate_does_not_make_browsers_insist():
    """With HSTS a browser lets nobody past the question whether to trust it."""
    tls = SimpleNamespace(self_made=True)
    assert https_settings(tls) == {"RTMS_HTTPS": "1", "RTMS_HSTS_SECONDS": "0"}
    assert https_settings(SimpleNamespace(self_made=False)) == {"RTMS_HTTPS": "1"}
    assert https_settings(None) == {}


def test_own_program_is_asked_whatever_its_certificate_names():
    assert any_certificate().check_hostname is False

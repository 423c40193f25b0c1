"""Secrets of a data directory: long enough when minted, and never exchanged afterwards."""

from __future__ import annotations

import base64
from pathlib import Path

from django.core.checks.security.base import SECRET_KEY_MIN_LENGTH

from registry.embedded import credentials
from registry.embedded.place import Place


def test_a_new_signing_key_satisfies_djangos_own_check(tmp_path: Path) -> None:
    minted = credentials.mint(Place(tmp_path))
    assert len(minted["secret_key"]) >= SECRET_KEY_MIN_LENGTH
    assert len(base64.urlsafe_b64decode(minted["identity_key"])) == 32


def test_a_data_directory_keeps_the_secrets_it_was_made_with(tmp_path: Path) -> None:
    place = Place(tmp_path)
    older = {key: credentials.new_secret() for key in credentials.KEYS}
    credentials.write(place.secrets, older)
    assert credentials.mint(place) == older
    assert credentials.read(place.secrets) == older

"""What the supervisor makes of the user's wishes."""

from __future__ import annotations

from typing import Any

import pytest

from registry.embedded.supervisor import Wishes
from registry.management.commands.up import answered_names, probe_name


@pytest.mark.parametrize(
    ("host", "address", "bind", "is_for_others"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/", "127.0.0.1:8000", False),
        ("localhost", "http://localhost:8000/", "localhost:8000", False),
        ("::1", "http://[::1]:8000/", "[::1]:8000", False),
        ("0.0.0.0", "http://127.0.0.1:8000/", "0.0.0.0:8000", True),
        ("::", "http://[::1]:8000/", "[::]:8000", True),
        ("192.0.2.7", "http://192.0.2.7:8000/", "192.0.2.7:8000", True),
    ],
)
def test_address_that_is_printed_can_be_opened_here(host: str, address: str, bind: str, is_for_others: bool) -> None:
    wishes = Wishes(host, 8000, "localhost", None)
    assert (wishes.address, wishes.bind, wishes.is_for_others) == (address, bind, is_for_others)


def test_registry_answers_to_the_address_it_listens_on(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    assert answered_names("192.0.2.7") == ["localhost", "192.0.2.7"]
    assert answered_names("2001:db8::7") == ["localhost", "[2001:db8::7]"]
    assert answered_names("0.0.0.0") == answered_names("localhost") == ["localhost"]


@pytest.mark.parametrize(("allowed", "name"), [(["localhost"], "localhost"), ([".example.org"], "example.org"), (["*"], "localhost")])
def test_readiness_is_asked_under_a_name_that_is_answered(settings: Any, allowed: list[str], name: str) -> None:
    settings.ALLOWED_HOSTS = allowed
    assert probe_name() == name

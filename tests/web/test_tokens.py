"""API tokens on the account page: made once, seen once, revoked at once, without any script."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from registry.models import ActLog, ApiToken

pytestmark = pytest.mark.django_db


def wish(**more: str) -> dict[str, str]:
    last_day = (timezone.now() + timedelta(days=30)).date().isoformat()
    return {"name": "weekly pull", "trial": "calm-m1", "scope": "read", "expires_on": last_day, "record": str(uuid.uuid4()), **more}


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_a_token_is_shown_once_and_kept_as_a_hash(signed_in, alice):
    page = signed_in.post(reverse("tokens"), wish()).content.decode()
    [secret] = re.findall(r"\b[0-9a-f]{32}\b", page)
    token = ApiToken.objects.get()
    assert secret not in (token.digest, str(token.uuid))
    assert secret not in signed_in.get(reverse("tokens")).content.decode()
    assert "weekly pull" in signed_in.get(reverse("tokens")).content.decode()
    assert signed_in.get("/api/v1/trials/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert list(ActLog.objects.filter(act="token_made").values_list("actor", "target")) == [(alice.pk, str(token.uuid))]


def test_a_second_press_makes_no_second_token(signed_in):
    asked = wish()
    assert signed_in.post(reverse("tokens"), asked).status_code == 200
    assert signed_in.post(reverse("tokens"), asked).status_code == 409
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Name what the token is for"),
        ({"expires_on": "2020-01-01"}, "Choose a last day"),
        ({"expires_on": "2099-01-01"}, "Choose a last day"),
        ({"expires_on": ""}, "Choose its last day"),
        ({"trial": "other-1"}, "Select a valid choice"),
        ({"scope": "everything"}, "Select a valid choice"),
    ],
)
def test_a_bad_wish_is_refused_beside_its_field(signed_in, other_trial, wrong, sentence):
    answer = signed_in.post(reverse("tokens"), wish(**wrong))
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_revoking_asks_first_and_ends_the_token(signed_in, alice):
    page = signed_in.post(reverse("tokens"), wish()).content.decode()
    [secret] = re.findall(r"\b[0-9a-f]{32}\b", page)
    token = ApiToken.objects.get()
    address = reverse("token_revoke", args=[token.uuid])
    assert "Revoke the token" in signed_in.get(address).content.decode()
    for _ in range(2):
        assert signed_in.post(address).status_code == 302
    assert "Revoked" in signed_in.get(reverse("tokens")).content.decode()
    assert signed_in.get("/api/v1/trials/", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert ActLog.objects.filter(act="token_revoked", target=str(token.uuid)).count() == 1


def test_nobody_revokes_another_persons_token(signed_in, client, oscar):
    signed_in.post(reverse("tokens"), wish())
    token = ApiToken.objects.get()
    client.force_login(oscar, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(reverse("token_revoke", args=[token.uuid])).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None

"""Error pages: plain words, a reference number, and no need of the database."""

from __future__ import annotations

import re
from unittest import mock

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest
from django.test import Client

from registry.exceptions import Conflict, NotAllowed, NotFound
from web import errors

PAGES = {
    400: lambda request: errors.bad_request(request, Exception()),
    403: lambda request: errors.permission_denied(request, Exception()),
    404: lambda request: errors.not_found(request, Exception()),
    429: errors.too_many_requests,
    500: errors.server_error,
    503: errors.away,
}


@pytest.fixture
def request_with_id() -> HttpRequest:
    request = HttpRequest()
    request.request_id = "abcdef0123456789"  # type: ignore[attr-defined]
    return request


@pytest.mark.parametrize("status", PAGES)
def test_page_has_its_status_and_the_reference_number(status, request_with_id):
    answer = PAGES[status](request_with_id)
    assert answer.status_code == status
    assert "abcdef0123456789" in answer.content.decode()


@pytest.mark.parametrize("status", PAGES)
def test_page_is_made_without_a_request_id_too(status):
    assert "Reference number" not in PAGES[status](HttpRequest()).content.decode()


def test_unknown_address_is_answered_without_the_database(settings, client, django_db_blocker):
    answer = client.get("/nowhere/at/all/")
    assert answer.status_code == 404
    assert answer["X-Request-ID"] in answer.content.decode()


def test_error_pages_keep_the_policy(client):
    policy = client.get("/nowhere/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_refused_form_says_that_nothing_was_saved(database, alice):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/login/", {"login": "alice@example.org", "password": "x"})
    assert answer.status_code == 403
    assert "Nothing was saved" in answer.content.decode()


@pytest.mark.parametrize(("error", "status"), [(NotAllowed("Ask Ana."), 403), (NotFound("P-1"), 404), (Conflict("Look again."), 409)])
def test_registry_errors_have_their_pages(error, status, request_with_id):
    answer = errors.registry_error_page(request_with_id, error)
    assert answer.status_code == status


def test_sentence_of_a_refusal_is_shown_but_never_that_of_a_missing_record(request_with_id):
    assert "Ask Ana." in errors.registry_error_page(request_with_id, NotAllowed("Ask Ana.")).content.decode()
    assert "P-0001" not in errors.registry_error_page(request_with_id, NotFound("P-0001")).content.decode()


def test_other_errors_are_left_to_others(request_with_id):
    assert errors.registry_error_page(request_with_id, ValueError()) is None


def test_fault_of_ours_answers_500_without_a_word_of_the_fault(alice, signed_in, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("secret of P-0001")

    monkeypatch.setattr("web.trials.trials_visible_to", broken)
    client = signed_in(alice)
    client.raise_request_exception = False
    answer = client.get("/t/")
    assert answer.status_code == 500
    assert "secret" not in answer.content.decode()
    assert re.search(r'class="mono">[0-9a-f]{24}<', answer.content.decode())


def test_pages_stay_out_of_caches(alice, signed_in):
    assert signed_in(alice).get("/t/")["Cache-Control"] == "private, no-store"
    assert connection.vendor == "postgresql"


def test_refusal_by_the_database_s_own_rule_is_a_conflict_and_other_faults_are_not(request_with_id, setup_actor):
    rule = "DO $$ BEGIN RAISE EXCEPTION 'a row refers to a voided row' USING ERRCODE = '%s'; END $$"
    for code, status in (("RT005", 409), ("RT006", 409), ("RT007", 409), ("RT001", None)):
        with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(rule % code)
        answer = errors.registry_error_page(request_with_id, refused.value)
        assert (answer.status_code if answer else None) == status


@pytest.mark.parametrize("error", [OperationalError("the connection is closed"), InterfaceError("the cursor is closed")])
@pytest.mark.parametrize("broken", ["django.contrib.sessions.backends.db.SessionStore.load", "web.patients.list_patients"])
def test_page_whose_database_is_away_says_to_come_again(database, trial, alice, error, broken):
    """Wherever in the request it was noticed: before anything of ours was asked, or in the middle of the page."""
    client = Client(raise_request_exception=False)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    with mock.patch(broken, side_effect=error):
        answer = client.get("/t/calm-m1/patients/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer["X-Request-ID"] in answer.content.decode()
    assert str(error) not in answer.content.decode()


def test_other_fault_is_one_of_ours(database, trial, alice):
    client = Client(raise_request_exception=False)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    with mock.patch("web.patients.list_patients", side_effect=DatabaseError("cache lookup failed")):
        assert client.get("/t/calm-m1/patients/").status_code == 500

"""A page sent again: the same bytes as drawn anew, asked of the database in one statement, noted, and never once something has changed."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.models import ActLog, Job, Membership, Snapshot, StaleMark, Trial, User
from registry.roles import ROLES, Permission
from registry.services import accounts
from registry.services.auditing import audited
from tests.contracts.scene import add_person
from tests.web import made_up_outcomes

OPEN = "/t/calm-m1/dashboard/"
COOKIE = "rtms_session"
OF_THIS_REQUEST = ("X-Request-ID",)


@pytest.fixture
def snapshot(trial):
    """Put a stored snapshot behind the page; returns a function that makes the next one."""

    def make(number):
        text = made_up_outcomes.stored("open").text
        sha256 = f"{number:064x}"
        return Snapshot.objects.create(
            trial=trial, plan=trial.plans.get(), number=number, cutoff="2026-11-19T09:30Z", code_version="x", payload=text, sha256=sha256
        )

    make(1)
    return make


def get(client, address=OPEN, **headers):
    """Return an answer and the number of statements it took; error pages show the number of their request."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address, headers={"X-Request-ID": "a-number-of-mine", **headers})
    return answer, len(queries)


def warm(client, address=OPEN):
    """Ask until the page is kept: the address is learnt, then the page drawn and kept, then it is sent again."""
    for _ in range(2):
        assert client.get(address).status_code == 200
    answer, statements = get(client, address)
    assert (answer.status_code, statements) == (200, 1)
    return answer


def beginner(client):
    """Return the same signed-in person at a process that has kept nothing."""
    other = Client()
    other.cookies[COOKIE] = client.cookies[COOKIE].value
    return other


def whole(answer):
    return answer.status_code, {name: value for name, value in answer.items() if name not in OF_THIS_REQUEST}, answer.content


@pytest.mark.parametrize("role", [code for code, role in ROLES.items() if Permission.OUTCOMES_OPEN in role.permissions])
@pytest.mark.parametrize("query", ["", "?cut=350", "?cut=x"])
def test_page_sent_again_is_the_page_drawn_anew(trial, setup_actor, snapshot, signed_in, role, query):
    client = signed_in(add_person(role.replace("_", "-"), role, by=setup_actor, trial=trial))
    kept = warm(client, OPEN + query)
    cache.clear()
    assert whole(kept) == whole(beginner(client).get(OPEN + query))


def test_unchanged_page_is_one_statement_too(trial, alice, snapshot, signed_in):
    client = signed_in(alice)
    tag = warm(client)["ETag"]
    answer, statements = get(client, **{"If-None-Match": tag})
    assert (answer.status_code, answer.content, statements) == (304, b"", 1)
    drawn = beginner(client).get(OPEN, headers={"If-None-Match": tag})
    assert whole(answer) == whole(drawn)


def test_each_reading_is_noted_as_the_first_one_was(trial, alice, snapshot, signed_in):
    client = signed_in(alice)
    tag = warm(client)["ETag"]
    get(client, **{"If-None-Match": tag, "X-Request-ID": "asked-once-more"})
    notes = list(ActLog.objects.filter(act="outcomes_read").order_by("pk").values("actor", "act", "trial", "target", "detail"))
    assert notes == [{"actor": alice.pk, "act": "outcomes_read", "trial": trial.pk, "target": "snapshot 1", "detail": {}}] * 4
    assert ActLog.objects.latest("pk").request_id == "asked-once-more"
    assert all(ActLog.objects.filter(act="outcomes_read").values_list("request_id", flat=True))


def changed(table, by, **values):
    """Change rows as services do: inside an audited change."""
    with audited(by=by, reason="test"):
        table.update(**values)


def sign_out(client):
    Session.objects.all().delete()


CHANGES = {
    "membership ended": lambda by, trial, person, client: changed(
        Membership.objects.filter(user=person), by, valid_until=timezone.now().date() - timedelta(days=1)
    ),
    "other role": lambda by, trial, person, client: changed(Membership.objects.filter(user=person), by, role="operator"),
    "role added": lambda by, trial, person, client: accounts.add_membership(
        user=person, role="unmasked_statistician", trial=trial, by=by, valid_from=date(2026, 1, 1)
    ),
    "signed out": lambda by, trial, person, client: sign_out(client),
    "left alone too long": lambda by, trial, person, client: Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1)),
    "account closed": lambda by, trial, person, client: changed(User.objects.filter(pk=person.pk), by, is_active=False),
    "password changed": lambda by, trial, person, client: accounts.change_password(person, "another long password", by=by),
    "demonstration account": lambda by, trial, person, client: changed(User.objects.filter(pk=person.pk), by, is_demonstration=True),
    "theme chosen": lambda by, trial, person, client: accounts.choose_theme(person, "dark"),
    "name changed": lambda by, trial, person, client: changed(User.objects.filter(pk=person.pk), by, name="Alicia Other"),
    "pooled response withdrawn": lambda by, trial, person, client: changed(Trial.objects.filter(pk=trial.pk), by, pooled_efficacy=False),
    "trial renamed": lambda by, trial, person, client: changed(Trial.objects.filter(pk=trial.pk), by, name="CALM Two"),
    "decoded": lambda by, trial, person, client: changed(Trial.objects.filter(pk=trial.pk), by, decoded_at=timezone.now()),
    "other address": lambda by, trial, person, client: changed(Trial.objects.filter(pk=trial.pk), by, slug="calm-m2"),
    "changes wait": lambda by, trial, person, client: StaleMark.objects.create(trial=trial),
    "refresh failed": lambda by, trial, person, client: Job.objects.create(
        kind="refresh", trial=trial, state="failed", failure="The disk is full.", requested_by=by
    ),
}
SAME_PAGE = ("decoded",)
# The first request signs out, so the second one is told to sign in.
SIGNS_OUT = ("demonstration account",)


@pytest.mark.parametrize("change", CHANGES)
def test_change_counts_on_the_very_next_request(trial, alice, setup_actor, snapshot, signed_in, change):
    changed(Trial.objects.filter(pk=trial.pk), setup_actor, pooled_efficacy=True)
    client = signed_in(alice)
    before = whole(warm(client))
    cookie = beginner(client)
    CHANGES[change](setup_actor, trial, alice, client)
    answer, statements = get(client)
    now = whole(answer)
    assert statements != 1 or now[0] == 302
    assert now == whole(get(cookie)[0]) or (change in SIGNS_OUT and now[0] == 302)
    assert (now == before) == (change in SAME_PAGE)


def test_new_snapshot_is_drawn_on_the_very_next_request(trial, alice, snapshot, signed_in):
    client = signed_in(alice)
    warm(client)
    snapshot(2)
    answer, statements = get(client)
    assert (answer.status_code, statements > 1) == (200, True)
    assert ActLog.objects.latest("pk").target == "snapshot 2"


def test_setting_changed_and_changed_back_is_another_setting(trial, alice, setup_actor, snapshot, signed_in):
    client = signed_in(alice)
    warm(client)
    for is_on in (True, False):
        changed(Trial.objects.filter(pk=trial.pk), setup_actor, pooled_efficacy=is_on)
    assert get(client)[1] > 1


def test_page_during_whose_drawing_something_changed_is_not_kept(trial, alice, setup_actor, snapshot, signed_in, monkeypatch):
    client, names = signed_in(alice), iter(("CALM Two", "CALM Three", "CALM Four"))

    def drawn_meanwhile(*args):
        changed(Trial.objects.filter(pk=trial.pk), setup_actor, name=next(names))
        return ""

    monkeypatch.setattr("web.dashboard.kept_figures", drawn_meanwhile)
    assert [get(client)[1] > 1 for _ in range(3)] == [True, True, True]


def test_one_persons_page_is_nobody_elses(trial, alice, uma, snapshot, signed_in):
    client = signed_in(alice)
    first = warm(client)
    client.cookies[COOKIE] = signed_in(uma).cookies[COOKIE].value
    answer = client.get(OPEN)
    assert answer.content != first.content
    assert "Uma Example" in answer.content.decode()


def test_sign_in_moved_on_by_another_process_keeps_the_page(trial, alice, snapshot, signed_in):
    client = signed_in(alice)
    warm(client)
    session = client.session
    session["renewed_at"] -= 1
    session.save()
    assert [get(client)[1] for _ in range(2)] == [2, 1]


def test_sign_in_moves_on_while_the_page_is_sent_again(trial, alice, snapshot, signed_in, monkeypatch):
    now = [2_000_000_000]
    monkeypatch.setattr("web.sliding_sign_in.time.time", lambda: now[0])
    client = signed_in(alice)
    warm(client)
    assert COOKIE not in client.get(OPEN).cookies
    now[0] += 60
    answer = client.get(OPEN)
    assert answer.cookies[COOKIE]["max-age"] == 30 * 60
    assert client.session["renewed_at"] == now[0]
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_page_of_yesterday_is_drawn_anew(trial, alice, snapshot, signed_in, monkeypatch):
    """Memberships begin and end with the day, without any row being changed."""
    client = signed_in(alice)
    warm(client)
    tomorrow = timezone.now() + timedelta(days=1)
    Session.objects.update(expire_date=tomorrow + timedelta(days=1))
    assert get(client)[1] == 1
    monkeypatch.setattr("web.kept_pages.timezone", SimpleNamespace(now=lambda: tomorrow))
    assert get(client)[1] > 1


def test_waiting_words_are_shown_once_and_not_kept(trial, alice, snapshot, signed_in):
    client = signed_in(alice)
    before = warm(client).content
    words = [Message(constants.INFO, "Saved for you.")]
    client.cookies[CookieStorage.cookie_name] = CookieStorage(RequestFactory().get("/"))._encode(words)
    assert "Saved for you." in client.get(OPEN).content.decode()
    assert client.get(OPEN).content == before


def test_forged_sign_in_of_the_database_opens_nothing(trial, alice, snapshot, signed_in):
    client = signed_in(alice)
    warm(client)
    Session.objects.update(session_data="e30:x:y")
    assert client.get(OPEN).status_code == 302


def test_nothing_is_kept_before_there_are_outcomes(trial, alice, signed_in):
    client = signed_in(alice)
    assert all(get(client)[1] > 1 for _ in range(3))


def test_closed_page_is_never_kept(trial, uma, signed_in, monkeypatch):
    monkeypatch.setattr("web.dashboard.latest_closed", lambda trial, by: made_up_outcomes.stored("closed"))
    client = signed_in(uma)
    assert all(get(client, f"{OPEN}closed/")[1] > 1 for _ in range(4))


def test_note_alone_is_not_waited_for(trial, alice, setup_actor, snapshot, signed_in, committed_db):
    """Whatever else the connection does afterwards is on disk before it is answered."""
    client = signed_in(alice)
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        before = cursor.fetchone()
        warm(client)
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == before

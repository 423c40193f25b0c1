"""ETags, If-Match, Idempotency-Key: nothing is overwritten unseen, nothing is done twice."""

from __future__ import annotations

import threading
from datetime import timedelta
from unittest import mock

import httpx
import pytest
from django.utils import timezone

from registry.models import IdempotentAnswer, PainScore
from tests.api.conftest import token_of

REASON = {"change_reason": "typing_error"}


@pytest.mark.django_db
class TestVersions:
    def test_an_etag_holds_until_the_record_changes(self, api, oscar, enrolment, new_score):
        client = api(oscar)
        made = client.post("scores/", new_score)
        path = made["Location"]
        assert client.get(path)["ETag"] == made["ETag"]
        unchanged = client.get(path, If_None_Match=made["ETag"])
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", made["ETag"])
        for value in (7, 4):
            client.patch(path, {**REASON, "value": value}, If_Match="*")
        assert client.get(path, If_None_Match=made["ETag"]).status_code == 200  # the old value is another version

    @pytest.mark.parametrize(
        ("tag", "status", "code"),
        [("", 428, "precondition-required"), ('"stale"', 412, "precondition-failed"), ("garbage", 412, "precondition-failed")],
        ids=["none", "stale", "garbage"],
    )
    def test_a_change_must_name_the_version_it_changes(self, api, oscar, enrolment, new_score, tag, status, code):
        client = api(oscar)
        path = client.post("scores/", new_score)["Location"]
        headers = {"If_Match": tag} if tag else {}
        for answer in (client.patch(path, {**REASON, "value": 1}, **headers), client.post(f"{path}void/", REASON, **headers)):
            assert (answer.status_code, answer.json()["type"]) == (status, f"/api/v1/problems/{code}/")
        assert PainScore.objects.count() == 1

    def test_records_without_versions_of_their_own_are_held_to_their_history(self, api, alice, enrolment):
        client = api(alice)
        for name, change in (("patients", {"birth_year": 1950}), ("pains", {"side": "right"}), ("diagnoses", {"onset": "2019"})):
            [row] = client.rows(f"{name}/")
            path = f"{name}/{row['id']}/"
            tag = client.get(path)["ETag"]
            changed = client.patch(path, {**REASON, **change}, If_Match=tag)
            assert (changed.status_code, changed.json()["version"]) == (200, row["version"] + 1), changed.content
            assert client.patch(path, {**REASON, **change}, If_Match=tag).status_code == 412

    def test_a_reason_must_say_something(self, api, oscar, enrolment, new_score):
        client = api(oscar)
        path = client.post("scores/", new_score)["Location"]
        for body, place in (({"value": 1}, "/change_reason"), ({"value": 1, "change_reason": "other"}, "/change_text")):
            answer = client.patch(path, body, If_Match="*")
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, place)


@pytest.mark.django_db
class TestKeys:
    def test_the_same_request_again_is_answered_as_before(self, api, oscar, enrolment, new_score):
        client = api(oscar)
        first = client.post("scores/", new_score, Idempotency_Key="k-1")
        again = client.post("scores/", new_score, Idempotency_Key="k-1")
        assert (again.status_code, again.content, again["ETag"], again["Location"]) == (
            201, first.content, first["ETag"], first["Location"],
        )  # fmt: skip
        assert again["Idempotency-Replayed"] == "true"
        assert PainScore.objects.count() == 1

    def test_a_key_serves_one_request_of_one_person(self, api, oscar, alice, enrolment, new_score):
        api(oscar).post("scores/", new_score, Idempotency_Key="k-1")
        other = api(oscar).post("scores/", {**new_score, "value": 5}, Idempotency_Key="k-1")
        assert (other.status_code, other.json()["type"]) == (422, "/api/v1/problems/key-reused/")
        assert api(alice).post("scores/", {**new_score, "value": 5}, Idempotency_Key="k-1").status_code == 201

    def test_a_refused_request_keeps_nothing(self, api, oscar, enrolment, new_score):
        client = api(oscar)
        assert client.post("scores/", {**new_score, "value": 11}, Idempotency_Key="k-1").status_code == 422
        assert not IdempotentAnswer.objects.exists()
        assert client.post("scores/", new_score, Idempotency_Key="k-1").status_code == 201

    def test_voiding_twice_under_one_key_is_voiding_once(self, api, oscar, enrolment, new_score):
        client = api(oscar)
        made = client.post("scores/", new_score)
        answers = [client.post(f"{made['Location']}void/", REASON, Idempotency_Key="v", If_Match=made["ETag"]) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].content == answers[1].content

    def test_answers_are_thrown_away_after_a_day(self, api, oscar, enrolment, new_score):
        client = api(oscar)
        client.post("scores/", new_score, Idempotency_Key="k-1")
        IdempotentAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert client.post("scores/", {**new_score, "value": 5}, Idempotency_Key="k-2").status_code == 201
        assert list(IdempotentAnswer.objects.values_list("key", flat=True)) == ["k-2"]

    @pytest.mark.parametrize("key", ["x" * 129, "ü"], ids=["long", "not ascii"])
    def test_a_key_that_is_none_is_refused(self, api, oscar, enrolment, new_score, key):
        assert api(oscar).post("scores/", new_score, Idempotency_Key=key).status_code == 422

    def test_a_fault_after_the_work_leaves_neither_work_nor_answer(self, api, oscar, enrolment, new_score):
        client = api(oscar)
        with mock.patch("registry.services.idempotency._keep", side_effect=RuntimeError("cut")):
            assert client.post("scores/", new_score, Idempotency_Key="k-1").status_code == 500
        assert not PainScore.objects.exists()
        assert client.post("scores/", new_score, Idempotency_Key="k-1").status_code == 201


def test_one_request_sent_by_many_at_once_is_done_once(site, oscar, enrolment, new_score):
    """Real server, real connections: whoever comes while the first is at work is told so, and gets its answer later."""
    headers = {"Authorization": f"Bearer {token_of(oscar)}", "Idempotency-Key": "k-1"}
    statuses: list[int] = []

    def send() -> None:
        for _ in range(40):
            answer = httpx.post(f"{site}/api/v1/scores/", json=new_score, headers=headers, timeout=30)
            statuses.append(answer.status_code)
            if answer.status_code == 201:
                return

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(201) == 6
    assert set(statuses) <= {201, 409}
    assert PainScore.objects.count() == 1


def test_of_two_corrections_from_one_version_one_wins(site, oscar, enrolment, new_score):
    client = httpx.Client(base_url=site, headers={"Authorization": f"Bearer {token_of(oscar)}"}, timeout=30)
    made = client.post("/api/v1/scores/", json=new_score)
    statuses: list[int] = []

    def correct(value: int) -> None:
        body = {**REASON, "value": value}
        headers = {**client.headers, "If-Match": made.headers["ETag"]}
        answer = httpx.patch(site + made.headers["Location"], json=body, headers=headers, timeout=30)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=correct, args=[value]) for value in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412]
    client.close()

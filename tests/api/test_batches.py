"""Many records in one request: all or none, each wrong value named with its row, done once, in few statements."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.batches import MOST_ROWS
from registry.models import AdverseEvent, MotorThreshold, PainScore, StimulationSession
from tests.registry.services.stimulation_scene import allocate, measure, prescribe

pytestmark = pytest.mark.django_db
SCORE = {"patient": "P-0001", "value": 4, "scale": "NRS", "recall": "average_24h", "context": "diary", "source": "diary", "pain": "overall"}


def scores(days: range, **more: Any) -> list[dict[str, Any]]:
    return [{**SCORE, "for_date": f"2026-11-{day:02}", **more} for day in days]


def sent(client: Any, name: str, rows: list[dict[str, Any]], **headers: str) -> Any:
    return client.post(f"{name}/batch/", {"trial": "calm-m1", "rows": rows}, **headers)


@pytest.fixture
def kinds(trial: Any, enrolment: Any, setup_actor: Any) -> dict[str, tuple[Any, list[dict[str, Any]]]]:
    """Return of each kind its model and two rows."""
    prescribe(trial, setup_actor)
    allocate(enrolment, setup_actor)
    used = str(measure(enrolment, setup_actor).record)
    given = {
        "patient": "P-0001", "status": "given", "as_planned": True, "threshold": used, "hearing_protection": True,
        "coil_matches_threshold": True, "pain_before": 6, "pain_after": 4, "side_effects": [{"term": "headache", "severity": "mild"}],
    }  # fmt: skip
    threshold = {"patient": "P-0001", "percent_mso": 50, "hemisphere": "right"}
    days = ("2026-11-18", "2026-11-19")
    return {
        "scores": (PainScore, scores(range(17, 19))),
        "thresholds": (MotorThreshold, [{**threshold, "measured_on": day} for day in days]),
        "sessions": (StimulationSession, [{**given, "number": n, "started_at": f"{day}T08:05:00Z"} for n, day in enumerate(days, start=1)]),
        "adverse-events": (AdverseEvent, [{"patient": "P-0001", "term": "toothache", "grade": 2, "onset_on": day} for day in days]),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["scores", "thresholds", "sessions", "adverse-events"])
def test_all_rows_are_written_and_a_repeat_changes_nothing(api: Any, oscar: Any, kinds: Any, name: str) -> None:
    model, rows = kinds[name]
    client, before = api(oscar), model.objects.count()
    ids = [str(uuid.UUID(int=number)) for number in (11, 12)]
    named = [{**row, "id": id} for row, id in zip(rows, ids, strict=True)]
    answer = sent(client, name, named)
    assert (answer.status_code, answer.json()) == (201, {"recorded": 2, "repeated": 0, "ids": ids}), answer.content
    assert model.objects.filter(record__in=ids).count() == 2
    assert [client.get(f"{name}/{id}/").status_code for id in ids] == [200, 200]
    again = sent(client, name, [*named, {**rows[0], "id": str(uuid.UUID(int=13)), **({"number": 3} if name == "sessions" else {})}])
    assert again.json() == {"recorded": 1, "repeated": 2, "ids": [*ids, str(uuid.UUID(int=13))]}, again.content
    assert model.objects.filter(version=1).exclude(record__in=[*ids, uuid.UUID(int=13)]).count() == before


@pytest.mark.parametrize(
    ("change", "place"),
    [({"value": 11}, "/rows/1/value"), ({"patient": "P-0404"}, "/rows/1/patient"), ({"value": "4"}, "/rows/1/value"),
     ({"pian": 1}, "/rows/1/pian"),
     ({"for_date": "2031-01-01"}, "/rows/1/for_date"), ({"scale": "VAS"}, "/rows/1/scale"), ({"id": str(uuid.UUID(int=7))}, "/rows/1/id"),
     ({"pain": "7"}, "/rows/1/pain"),
     ({"trial": "calm-m1"}, "/rows/1/trial")],
    ids=["off the scale", "nobody", "a text", "misspelt", "future", "no scale", "twice", "no such pain", "a trial of its own"],
)  # fmt: skip
def test_one_wrong_row_keeps_all_out_and_is_named(api: Any, oscar: Any, enrolment: Any, change: dict[str, Any], place: str) -> None:
    rows = scores(range(10, 13))
    rows[0]["id"] = str(uuid.UUID(int=7))
    rows[1] |= change
    answer = sent(api(oscar), "scores", rows)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [place]), answer.content
    assert not PainScore.objects.exists()


def test_a_single_row_is_named_too(api: Any, oscar: Any, enrolment: Any) -> None:
    answer = sent(api(oscar), "scores", scores(range(10, 11), value=11))
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/rows/0/value"]


def test_a_block_that_is_no_pattern_is_named_with_its_session(api: Any, oscar: Any, kinds: Any) -> None:
    _, rows = kinds["sessions"]
    rows[1] |= {"as_planned": False, "blocks": [{"frequency_hz": 10, "trains": 30, "gap_s": 20, "intensity_percent": 80}]}
    answer = sent(api(oscar), "sessions", rows)
    assert {error["pointer"].partition("/blocks")[0] for error in answer.json()["errors"]} == {"/rows/1"}, answer.content
    assert not StimulationSession.objects.exists()


@pytest.mark.parametrize("count", [0, MOST_ROWS + 1])
def test_a_list_has_its_size(api: Any, oscar: Any, enrolment: Any, count: int) -> None:
    answer = sent(api(oscar), "scores", scores(range(1, 2)) * count)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/rows")


def test_patients_of_another_site_are_as_if_not_there(api: Any, oscar: Any, enrolment: Any, other_site_enrolment: Any) -> None:
    hidden, nobody = (
        sent(api(oscar), "scores", [*scores(range(10, 11)), *scores(range(11, 12), patient=code)]) for code in ("P-0002", "P-0404")
    )
    assert hidden.status_code == nobody.status_code == 422
    told = [answer.content.decode().replace(code, "?") for answer, code in ((hidden, "P-0002"), (nobody, "P-0404"))]
    assert len({text.partition('"request_id"')[0] for text in told}) == 1


def test_one_key_is_one_list(api: Any, oscar: Any, enrolment: Any) -> None:
    client, rows = api(oscar), scores(range(10, 13))
    first, again = (sent(client, "scores", rows, Idempotency_Key="k-1") for _ in range(2))
    assert (first.status_code, again.content, again["Idempotency-Replayed"]) == (201, first.content, "true")
    assert PainScore.objects.count() == 3


OTHER = {"scores": {"value": 9}, "thresholds": {"percent_mso": 70}, "sessions": {"pain_before": 9}, "adverse-events": {"grade": 3}}


def named(rows: list[dict[str, Any]], *ids: int, **more: Any) -> list[dict[str, Any]]:
    return [{**row, "id": str(uuid.UUID(int=number)), **more} for row, number in zip(rows, ids, strict=True)]


def pointers(answer: Any) -> list[str]:
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json"), answer.content
    assert all(error["code"] == "taken" and error["detail"] == answer.json()["detail"] for error in answer.json()["errors"])
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("name", sorted(OTHER))
def test_an_id_of_another_record_is_named_with_its_row(api: Any, oscar: Any, kinds: Any, name: str) -> None:
    model, rows = kinds[name]
    client = api(oscar)
    assert sent(client, name, named(rows, 11, 12)).status_code == 201
    before = model.objects.count()
    [repeat, other] = named(rows, 11, 12)
    assert pointers(sent(client, name, [repeat, {**other, **OTHER[name]}])) == ["/rows/1/id"]
    assert pointers(sent(client, name, [{**other, **OTHER[name]}])) == ["/rows/0/id"]
    assert pointers(client.post(f"{name}/", {"trial": "calm-m1", **other, **OTHER[name]})) == ["/id"]
    assert model.objects.count() == before


@pytest.mark.parametrize("name", sorted(OTHER))
def test_a_row_id_in_use_is_named_with_its_row(api: Any, oscar: Any, kinds: Any, name: str) -> None:
    model, rows = kinds[name]
    client, [first, second] = api(oscar), rows
    assert sent(client, name, named([first], 11, row_id="r-1")).status_code == 201
    before = model.objects.count()
    repeat, [new], [free] = named([first], 11, row_id="r-1"), named([second], 12, row_id="r-1"), named([second], 13, row_id="r-2")
    third = {**free, "id": str(uuid.UUID(int=14)), **({"number": 7} if name == "sessions" else {})}
    assert pointers(sent(client, name, [*repeat, new])) == ["/rows/1/row_id"]
    assert pointers(sent(client, name, [free, third])) == ["/rows/1/row_id"]
    assert pointers(client.post(f"{name}/", {"trial": "calm-m1", **new})) == ["/row_id"]
    assert model.objects.count() == before


def test_a_session_number_in_use_is_named_with_its_row(api: Any, oscar: Any, kinds: Any) -> None:
    _, [first, second] = kinds["sessions"]
    client = api(oscar)
    assert sent(client, "sessions", [first]).status_code == 201
    answer = sent(client, "sessions", [{**second, "number": 5}, {**second, "number": first["number"]}])
    assert pointers(answer) == ["/rows/1/number"]


def test_statements_do_not_grow_with_the_rows(api: Any, oscar: Any, enrolment: Any) -> None:
    client = api(oscar)
    sent(client, "scores", scores(range(1, 2)))
    counts = []
    for rows in (scores(range(2, 4)), scores(range(4, 18)) * 5):
        with CaptureQueriesContext(connection) as queries:
            assert sent(client, "scores", rows).status_code == 201
        counts.append(len(queries))
    assert counts[0] == counts[1]

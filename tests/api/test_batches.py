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


def test_an_id_of_another_record_is_a_conflict(api: Any, oscar: Any, enrolment: Any) -> None:
    client, taken = api(oscar), str(uuid.UUID(int=7))
    sent(client, "scores", scores(range(10, 11), id=taken))
    answer = sent(client, "scores", [*scores(range(11, 13)), *scores(range(13, 14), id=taken, value=9)])
    assert (answer.status_code, PainScore.objects.count()) == (409, 1)


def test_statements_do_not_grow_with_the_rows(api: Any, oscar: Any, enrolment: Any) -> None:
    client = api(oscar)
    sent(client, "scores", scores(range(1, 2)))
    counts = []
    for rows in (scores(range(2, 4)), scores(range(4, 18)) * 5):
        with CaptureQueriesContext(connection) as queries:
            assert sent(client, "scores", rows).status_code == 201
        counts.append(len(queries))
    assert counts[0] == counts[1]

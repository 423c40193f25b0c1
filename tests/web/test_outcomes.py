"""The outcome pages: the snapshot's own figures, by right, recorded; arms on the closed page alone."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import call_command

from registry.models import ActLog, Snapshot, Trial
from registry.services.auditing import audited
from tests.api.conftest import Api, token_of
from tests.web import made_up_outcomes
from web import outcome_tables

OPEN, CLOSED = "/t/calm-m1/outcomes/", "/t/calm-m1/outcomes/closed/"


@pytest.fixture
def computed(monkeypatch):
    """Return a function that puts stored outcomes behind both pages."""

    def put(**state):
        monkeypatch.setattr("web.outcomes.latest_open", lambda trial: made_up_outcomes.stored("open", **state))
        monkeypatch.setattr("web.outcomes.latest_closed", lambda trial, by: made_up_outcomes.stored("closed"))

    return put


def text_of(answer):
    return " ".join(answer.content.decode().split())


def test_before_the_first_computation_the_page_says_so(trial, alice, uma, signed_in, monkeypatch):
    monkeypatch.setattr("web.outcomes.latest_closed", lambda trial, by: None)
    assert "No outcomes yet" in text_of(signed_in(alice).get(OPEN))
    assert "No outcomes yet" in text_of(signed_in(uma).get(CLOSED))


def test_open_page_shows_counts_rates_and_intervals_with_the_exact_values(trial, alice, signed_in, computed):
    computed()
    page = text_of(signed_in(alice).get(OPEN))
    assert "132/301" in page
    assert f'<data value="{132 / 301!r}">43.9 %</data>' in page
    assert '<data value="0.4631838">46.3</data>' in page
    assert '<data value="-10.5">\u221210.50</data>' in page


def test_open_page_says_nothing_of_arms(trial, alice, signed_in, computed):
    computed()
    page = text_of(signed_in(alice).get(OPEN))
    assert "Arm A" not in page
    assert "Difference" not in page


def test_open_page_withholds_response_and_the_statuses_that_tell_of_it(trial, alice, signed_in, computed):
    computed(withheld=True)
    page = text_of(signed_in(alice).get(OPEN))
    assert "Response is not shown here" in page
    assert "Responders" not in page
    assert "Stopped for a listed reason" not in page
    assert "2 lost to follow-up, 1 no value in the window" in page


def test_small_group_is_named_and_not_printed(trial, alice, signed_in, computed):
    computed()
    page = text_of(signed_in(alice).get(OPEN))
    assert 'Pelvic pain</th><td class="muted" colspan="9">Not printed: too few</td>' in page


def test_closed_page_compares_the_arms(trial, uma, signed_in, computed):
    computed()
    page = text_of(signed_in(uma).get(CLOSED))
    for words in ("87/161", "45/140", "Arm A", "Difference A \u2212 B", "+21.9", "NNTB 3.1 to NNTB 9.3", "Closed, coded arms"):
        assert words in page


@pytest.mark.parametrize("person", ["alice", "oscar"])
def test_closed_page_is_refused_to_masked_roles(trial, signed_in, computed, request, person):
    computed()
    answer = signed_in(request.getfixturevalue(person)).get(CLOSED)
    assert answer.status_code == 403
    assert "87/161" not in text_of(answer)


def test_open_page_is_refused_without_the_right(trial, oscar, signed_in, computed):
    computed()
    assert signed_in(oscar).get(OPEN).status_code == 403


def test_reading_is_recorded_with_the_snapshot(trial, uma, signed_in, computed):
    computed()
    client = signed_in(uma)
    client.get(OPEN)
    client.get(CLOSED)
    assert list(ActLog.objects.filter(actor=uma, trial=trial).order_by("pk").values_list("act", "target")) == [
        ("outcomes_read", "snapshot 3"),
        ("closed_outcomes_read", "snapshot 3"),
    ]


def test_page_tells_what_it_was_made_from(trial, alice, signed_in, computed):
    computed()
    page = text_of(signed_in(alice).get(OPEN))
    for words in ("Thu 19 Nov 2026, 10:30", "0.1.0+abcdef", "cd" * 32, "ab" * 32, "A note on the plan.", "A reduction of at least 35 %."):
        assert words in page


def test_page_tells_when_newer_records_wait_and_when_a_computation_failed(trial, alice, signed_in, computed):
    computed(is_waiting=True, failure="The plan has overlapping windows.")
    page = text_of(signed_in(alice).get(OPEN))
    assert "Newer records are being computed" in page
    assert "The plan has overlapping windows." in page


def test_every_figure_of_the_payload_is_on_the_page(trial, uma, signed_in, computed):
    computed()
    page = signed_in(uma).get(CLOSED).content.decode()
    shown = set(re.findall(r'<data value="([^"]+)">', page))
    arm = made_up_outcomes.arms("A", "B")
    wanted = {repr(row[key]) for one in arm for row in one["rates"] for key in ("rate", "low", "high")}
    wanted |= {repr(row[key]) for one in arm for row in one["means"] for key in ("mean", "sd")}
    wanted |= {repr(row[key]) for row in made_up_outcomes.contrasts("A", "B") for key in ("difference", "low", "high")}
    assert wanted <= shown


def test_leading_time_point_is_the_primary_else_the_last():
    views = outcome_tables.time_points(made_up_outcomes.payload("open"))  # type: ignore[arg-type]
    assert outcome_tables.leading(views).code == "W52"
    assert outcome_tables.leading(views[:1]).code == "W4"
    assert outcome_tables.leading([]) is None


def test_group_without_anybody_due_has_no_rate():
    made = made_up_outcomes.payload("open")
    for row in made["time_points"][0]["groups"][0]["rates"]:
        row |= {"responders": 0, "n": 0, "rate": None, "low": None, "high": None}
    cell = outcome_tables.time_points(made)[0].overall.rates[0].cells[0]  # type: ignore[arg-type]
    assert (cell.responders, cell.n, cell.rate, cell.low) == (0, 0, None, None)


@pytest.mark.parametrize(("tenths", "text"), [(300, "30 %"), (333, "33.3 %"), (1000, "100 %")])
def test_threshold_is_written_as_people_write_it(tenths, text):
    assert outcome_tables.percent_of(tenths) == text


def test_time_point_of_a_visit_names_the_visit():
    made = made_up_outcomes.payload("open")
    made["time_points"][0]["visit"] = "W4"
    assert outcome_tables.time_points(made)[0].sentence == "Visit W4: mean of all days, at least 4."  # type: ignore[arg-type]


def test_every_door_withholds_response_once_the_setting_is_withdrawn(trial, alice, setup_actor, signed_in):
    made = made_up_outcomes.stored("open")
    Snapshot.objects.create(
        trial=trial, plan=trial.plans.get(), number=1, cutoff="2026-11-19T09:30Z", code_version="x", payload=made.text, sha256=made.sha256
    )
    client, api = signed_in(alice), Api(token_of(alice, scope="read"))

    def asked(*, pooled):
        with audited(by=setup_actor, reason="test"):
            Trial.objects.filter(pk=trial.pk).update(pooled_efficacy=pooled)
        printed = StringIO()
        call_command("outcomes", "calm-m1", "--as", alice.email, "--no-refresh", "--format", "csv", stdout=printed)
        return text_of(client.get(OPEN)), text_of(client.get("/t/calm-m1/dashboard/")), api.get("outcomes/calm-m1/"), printed.getvalue()

    page, dashboard, sent, printed = asked(pooled=True)
    assert "132/301" in page
    assert "43.9 %" in dashboard
    assert sent.json()["payload"]["time_points"][1]["groups"][0]["rates"]
    assert ",rate," in printed or "\nrate," in printed
    tag = sent["ETag"]
    page, dashboard, sent, printed = asked(pooled=False)
    for words in (page, dashboard):
        assert "Response is not shown here" in words
        assert not re.search(r"132/301|43\.9 %|26\.7", words)
    assert sent["ETag"] != tag
    assert sent.json()["payload"]["efficacy"] == "withheld"
    assert not re.search(r'"(rates|means|curve|responders|composite_stop)"', sent.content.decode())
    assert not re.search(r"^(rate|mean|curve)|composite_stop|responders", printed.split("\n", 1)[1], re.MULTILINE)
    assert api.get("outcomes/calm-m1/", If_None_Match=tag).status_code == 200

"""The list of patients and one patient's page: filters in the address, other sites not found, a constant number of queries."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.models import Allocation, Disposition, Endpoint, Enrolment
from registry.services.auditing import audited
from tests.contracts.scene import add_person
from tests.trials import ENROLLED_ON, make_diary, make_enrolment

LIST = "/t/calm-m1/patients/"


def codes_on(page):
    return re.findall(r'patients/(P-\d{4})/">', page.content.decode())


@pytest.fixture
def three(trial, setup_actor):
    """P-0001 at N, P-0002 at S, P-0003 at N with fibromyalgia and completed."""
    first, second, third = (make_enrolment(trial, f"P-000{n}", site=site, by=setup_actor) for n, site in ((1, "N"), (2, "S"), (3, "N")))
    with audited(by=setup_actor, reason="test"):
        diagnosis = third.patient.diagnoses.get()
        diagnosis.condition = "fibromyalgia"
        diagnosis.save()
        Disposition.objects.create(enrolment=third, kind="completion", happened_on=ENROLLED_ON)
    return first, second, third


def test_list_holds_the_patients_of_own_sites(three, alice, oscar, charlie, signed_in):
    assert codes_on(signed_in(alice).get(LIST)) == ["P-0001", "P-0002", "P-0003"]
    assert codes_on(signed_in(oscar).get(LIST)) == ["P-0001", "P-0003"]
    assert codes_on(signed_in(charlie).get(LIST)) == ["P-0002"]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("q=0002", ["P-0002"]),
        ("q=p-0003", ["P-0003"]),
        ("site=N", ["P-0001", "P-0003"]),
        ("diagnosis=fibromyalgia", ["P-0003"]),
        ("state=completed", ["P-0003"]),
        ("site=S&state=completed", []),
        ("site=nowhere", []),
        ("diagnosis=gout", []),
        ("state=lost-in-space", []),
        ("page=banana", ["P-0001", "P-0002", "P-0003"]),
        ("page=99999999", ["P-0001", "P-0002", "P-0003"]),
        ("q=%00", []),
        ("q=%25", []),
        ("q=_", []),
    ],
)
def test_filter_lives_in_the_address(three, alice, signed_in, query, codes):
    answer = signed_in(alice).get(f"{LIST}?{query}")
    assert answer.status_code == 200
    assert codes_on(answer) == codes


def test_filter_offers_own_sites_only(three, oscar, signed_in):
    page = signed_in(oscar).get(LIST).content.decode()
    assert ">Northfield</option>" in page
    assert "Southgate" not in page


def test_search_for_another_sites_patient_finds_nothing(three, charlie, signed_in):
    page = signed_in(charlie).get(f"{LIST}?q=P-0001").content.decode()
    assert "Nobody matches" in page


def test_empty_trial_says_so(trial, alice, signed_in):
    assert "Nobody enrolled yet" in signed_in(alice).get(LIST).content.decode()


def test_number_of_queries_does_not_grow_with_the_rows(trial, alice, setup_actor, signed_in):
    client = signed_in(alice)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            client.get(LIST)
        return len(seen)

    make_enrolment(trial, "P-0001", site="N", by=setup_actor)
    client.get("/t/")  # the first page after signing in also notes that somebody is there
    few = queries()
    for number in range(2, 30):
        make_enrolment(trial, f"P-{number:04d}", site="NS"[number % 2], by=setup_actor)
    assert queries() == few <= 12


def test_long_list_has_pages_that_keep_the_filter(trial, alice, setup_actor, signed_in):
    for number in range(1, 53):
        make_enrolment(trial, f"P-{number:04d}", site="N", by=setup_actor)
    client = signed_in(alice)
    first = client.get(f"{LIST}?site=N&q=")
    assert len(codes_on(first)) == 50
    assert "1 to 50 of 52" in first.content.decode()
    assert 'href="?site=N&amp;page=2"' in first.content.decode()
    assert codes_on(client.get(f"{LIST}?site=N&page=2")) == ["P-0051", "P-0052"]


@pytest.mark.parametrize("rest", ["", "scores/", "scores/add/", "history/"])
def test_another_sites_patient_is_not_found_like_one_that_does_not_exist(three, charlie, signed_in, rest):
    client = signed_in(charlie)
    there, nowhere = client.get(f"{LIST}P-0001/{rest}"), client.get(f"{LIST}P-9999/{rest}")
    assert there.status_code == nowhere.status_code == 404
    assert there.content.replace(there["X-Request-ID"].encode(), b"") == nowhere.content.replace(nowhere["X-Request-ID"].encode(), b"")


def test_page_tells_who_the_patient_is_without_naming(enrolment, alice, signed_in):
    page = signed_in(alice).get(f"{LIST}P-0001/").content.decode()
    for words in ("Phantom limb pain", "Left, hand", "Born 1961, male", "Northfield", "Not allocated yet", "Mon 19 Oct 2026", "Definite"):
        assert words in page


def test_page_without_a_score_offers_the_first_one(enrolment, alice, signed_in):
    page = signed_in(alice).get(f"{LIST}P-0001/").content.decode()
    assert "No pain score yet" in page
    assert "Add the first score" in page
    assert "plotly" not in page.replace("plotly.js-style-global", "")


def figure_on(page):
    return json.loads(re.search(r'<script id="course-data" type="application/json">(.*?)</script>', page)[1])


def test_page_carries_the_figure_as_data_and_the_table_beside_it(enrolment, alice, setup_actor, signed_in):
    make_diary(enrolment, dict.fromkeys(range(-7, 0), "7") | {1: "5", 2: "4", 3: "3"}, by=setup_actor)
    page = signed_in(alice).get(f"{LIST}P-0001/").content.decode()
    figure = figure_on(page)
    assert figure["day"] == [*range(-7, 0), 1, 2, 3]
    assert figure["value"][-3:] == [5.0, 4.0, 3.0]
    assert figure["mean"][:2] == [None, None]
    assert "today" in figure
    assert '<details class="data" open>' in page


def test_ladder_shows_the_outcomes_own_value_and_the_window(enrolment, trial, alice, setup_actor, signed_in):
    make_diary(enrolment, dict.fromkeys(range(-7, 0), "7") | dict.fromkeys(range(22, 29), "4"), by=setup_actor)
    week_4 = trial.plans.get().time_points.get(code="W4")
    Endpoint.objects.create(
        enrolment=enrolment, time_point=week_4, anchor_on=ENROLLED_ON,
        baseline_sum_units=49_000_000, baseline_n=7, value_sum_units=28_000_000, value_n=7,
    )  # fmt: skip
    page = " ".join(signed_in(alice).get(f"{LIST}P-0001/").content.decode().split())
    assert "Baseline <small>12 Oct 2026 to 18 Oct 2026, complete</small>" in page
    assert '<span class="num">4.0<small>7 of at least 4</small></span>' in page
    assert "Week 12, primary" in page


def test_what_a_role_may_not_see_is_not_told_as_missing(enrolment, trial, setup_actor, signed_in):
    researcher = add_person("reader", "researcher", by=setup_actor, trial=trial)
    make_diary(enrolment, dict.fromkeys(range(-7, 0), "7") | dict.fromkeys(range(22, 29), "4"), by=setup_actor)
    Endpoint.objects.create(
        enrolment=enrolment, time_point=trial.plans.get().time_points.get(code="W4"), anchor_on=ENROLLED_ON - timedelta(days=120),
        baseline_sum_units=49_000_000, baseline_n=7, value_sum_units=28_000_000, value_n=7,
    )  # fmt: skip
    address = f"{LIST}P-0001/"
    assert "too few values" in (page := " ".join(signed_in(researcher).get(address).content.decode().split()))
    assert "not shown to your role" not in page
    with audited(by=setup_actor, reason="test"):
        Allocation.objects.create(
            enrolment=enrolment,
            treatment=trial.treatments.get(code="m1"),
            analysis_site=enrolment.site,
            allocated_on=ENROLLED_ON - timedelta(days=200),
        )
    page = " ".join(signed_in(researcher).get(address).content.decode().split())
    assert "Week 4 <small>" in page
    assert page.count("not shown to your role") == 2, "each time point after baseline"
    assert "Not shown to your role" in page


def test_course_that_ends_at_allocation_says_why(enrolment, trial, alice, setup_actor, signed_in):
    make_diary(enrolment, dict.fromkeys(range(-7, 0), "7") | dict.fromkeys(range(22, 29), "4"), by=setup_actor)
    with audited(by=setup_actor, reason="test"):
        treatment = trial.treatments.get(code="m1")
        Allocation.objects.create(enrolment=enrolment, treatment=treatment, analysis_site=enrolment.site, allocated_on=ENROLLED_ON)
    sentence = "What was answered after allocation is not shown to your role."
    assert sentence in signed_in(add_person("reader", "researcher", by=setup_actor, trial=trial)).get(f"{LIST}P-0001/").content.decode()
    assert sentence not in signed_in(alice).get(f"{LIST}P-0001/").content.decode()


def test_dispositions_and_allocation_are_on_the_page(enrolment, trial, alice, setup_actor, signed_in):
    with audited(by=setup_actor, reason="test"):
        Allocation.objects.create(
            enrolment=enrolment, treatment=trial.treatments.get(code="m1"), analysis_site=enrolment.site, kit_code="K-3127",
            allocated_on=ENROLLED_ON + timedelta(days=1),
        )  # fmt: skip
        Disposition.objects.create(enrolment=enrolment, kind="stop_of_stimulation", reason="lack_of_effect", note="after 4 weeks")
    page = signed_in(alice).get(f"{LIST}P-0001/").content.decode()
    for words in ("K-3127", "M1, 10 Hz", "Stop of stimulation", "Day not recorded", "Lack of effect. after 4 weeks", "Stimulation stopped"):
        assert words in page


def test_role_that_may_only_read_is_offered_no_act(enrolment, uma, signed_in):
    page = signed_in(uma).get(f"{LIST}P-0001/").content.decode()
    assert "scores/add/" not in page
    assert "/history/" not in page


def test_scripts_of_a_note_are_only_text(enrolment, alice, setup_actor, signed_in):
    with audited(by=setup_actor, reason="test"):
        Disposition.objects.create(enrolment=enrolment, kind="lost", note="<script>alert(1)</script>")
    assert "<script>alert" not in signed_in(alice).get(f"{LIST}P-0001/").content.decode()


def test_number_of_queries_of_a_page_does_not_grow_with_the_scores(enrolment, alice, setup_actor, signed_in):
    client = signed_in(alice)

    def queries(address):
        with CaptureQueriesContext(connection) as seen:
            client.get(address)
        return len(seen)

    make_diary(enrolment, {-1: "7", 1: "5"}, by=setup_actor)
    client.get("/t/")  # the first page after signing in also notes that somebody is there
    addresses = [f"{LIST}P-0001/{rest}" for rest in ("", "scores/", "history/")]
    few = [queries(address) for address in addresses]
    make_diary(enrolment, dict.fromkeys(range(2, 40), "4"), by=setup_actor)
    assert [queries(address) for address in addresses] == few
    assert Enrolment.objects.count() == 1

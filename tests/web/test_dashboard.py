"""The dashboard: the snapshot's own figures said, drawn, tabulated and downloaded; open and closed apart."""

from __future__ import annotations

import copy
import csv
import io
import json
import re

import pytest
from django.core.cache import cache
from django.db import connections
from django.test.utils import CaptureQueriesContext

from registry.models import ActLog, Snapshot
from registry.selectors.figures import cut_of, figures_of
from registry.selectors.outcomes import as_shown_now
from registry.services.auditing import audited
from tests.contracts.scene import add_person
from tests.trials import make_enrolment
from tests.web import made_up_outcomes
from tests.web.test_kept_pages import beginner

OPEN, CLOSED = "/t/calm-m1/dashboard/", "/t/calm-m1/dashboard/closed/"
EFFICACY = ("responders", "over-time", "diagnoses", "means")
ALWAYS = ("recruitment", "completeness")
FORBIDDEN = re.compile(r"\b(significant|effective|better)\b", re.IGNORECASE)


@pytest.fixture
def computed(monkeypatch, trial, setup_actor):
    """Return a function that puts stored outcomes behind the pages of a trial whose masked team may see pooled response."""
    cache.clear()

    def put(*, pooled=True, **state):
        with audited(by=setup_actor, reason="test"):
            trial.pooled_efficacy = pooled
            trial.save()
        monkeypatch.setattr("web.dashboard.latest_open", lambda trial: as_shown_now(made_up_outcomes.stored("open", **state), trial))
        monkeypatch.setattr("web.dashboard.latest_closed", lambda trial, by: made_up_outcomes.stored("closed"))

    return put


def unshared(document):
    """Return a payload no two parts of which are one list, to be changed at will."""
    return json.loads(json.dumps(made_up_outcomes.payload(document)))


def text_of(answer):
    return " ".join(answer.content.decode().split())


def figures_on(page):
    return re.findall(r'<figure class="fig chart[^"]*" id="([^"]+)"', page)


def island(page, key):
    return json.loads(re.search(rf'<script id="data-{key}" type="application/json">(.*?)</script>', page).group(1))


def test_before_the_first_computation_the_page_says_so(trial, alice, uma, signed_in, monkeypatch):
    monkeypatch.setattr("web.dashboard.latest_closed", lambda trial, by: None)
    assert "No outcomes yet" in text_of(signed_in(alice).get(OPEN))
    assert "No outcomes yet" in text_of(signed_in(uma).get(CLOSED))
    assert signed_in(alice).get(f"{OPEN}responders.csv").status_code == 404


def test_snapshot_of_an_older_format_waits_to_be_made_again(trial, alice, signed_in, monkeypatch):
    stored = made_up_outcomes.stored("open")
    stored.payload["format"] = 1
    del stored.payload["recruitment"]
    monkeypatch.setattr("web.dashboard.latest_open", lambda trial: stored)
    assert "Being computed again" in text_of(signed_in(alice).get(OPEN))
    assert signed_in(alice).get(f"{OPEN}recruitment.csv").status_code == 404


def test_every_figure_says_its_finding_with_numbers(trial, alice, signed_in, computed):
    computed()
    page = text_of(signed_in(alice).get(OPEN))
    assert figures_on(page) == [*EFFICACY, *ALWAYS]
    for words in (
        "Week 52: 132 of 301 (43.9 %) had at least 35 % less pain",
        "At least 35 % less pain: 43.9 % at Week 4, 43.9 % at Week 52",
        "By diagnosis, Week 52: 43.9 % (Other chronic pain) had at least 35 % less pain, 43.9 % of all",
        "Mean pain, Week 52: 16.2 against 26.7 at baseline (n = 301)",
        "40 allocated by 18 Nov 2026, 15 behind plan (55 of 160 by now); 24 in the last 12 weeks: 2.0 a week, 95 % CI 1.3 to 3.0",
        "Complete at Week 52: 301 of 304 due (99.0 %)",
    ):
        assert words in page


def test_closed_figures_say_their_findings_by_letter(trial, uma, signed_in, computed):
    computed()
    page = text_of(signed_in(uma).get(CLOSED))
    assert figures_on(page) == [*EFFICACY, *ALWAYS]
    for words in (
        "Closed, coded arms",
        "Week 52: 54.0 % of Arm A and 32.1 % of Arm B had at least 35 % less pain",
        "the difference A \u2212 B at \u2265 35 % is +21.9 points, 95 % CI +10.7 to +32.2",
        "difference A \u2212 B +21.9 points (Other chronic pain), +21.9 in all",
        "16.2 against 26.7 at baseline in Arm A (n = 161) and 16.2 against 26.7 at baseline in Arm B (n = 140)",
        "Complete at Week 52: Arm A 161 of 164 (98.2 %), Arm B 140 of 143 (97.9 %)",
    ):
        assert words in page


def test_means_have_a_line_for_each_arm_so_that_half_a_page_holds_them():
    payload = made_up_outcomes.payload("closed")
    [figure] = [one for one in figures_of(payload, cut=350) if one.key == "means"]  # type: ignore[arg-type]
    assert figure.columns == ["Time point", "n", "Baseline", "Mean", "95 % CI", "SD"]
    assert [row[0] for row in figure.rows][-2:] == ["Week 52, Arm A", "Week 52, Arm B"]
    assert {len(row) for row in figure.rows} == {6}


@pytest.mark.parametrize("document", ["open", "closed"])
@pytest.mark.parametrize("language", ["en"])
def test_no_sentence_judges(document, language):
    payload = made_up_outcomes.payload(document)
    for figure in figures_of(payload, cut=350):  # type: ignore[arg-type]
        text = " ".join([figure.heading, figure.definition, figure.spoken, figure.caption])
        assert not FORBIDDEN.search(text), text
        assert re.search(r"\d", figure.heading)


def test_masked_team_without_pooled_response_sees_recruitment_and_completeness_alone(trial, alice, signed_in, computed):
    computed(withheld=True, pooled=False)
    client = signed_in(alice)
    page = text_of(client.get(OPEN))
    assert figures_on(page) == list(ALWAYS)
    assert "Response is not shown here" in page
    assert "less pain" not in page
    assert {key: client.get(f"{OPEN}{key}.csv").status_code for key in (*EFFICACY, *ALWAYS)} == {
        **dict.fromkeys(EFFICACY, 404),
        **dict.fromkeys(ALWAYS, 200),
    }


def test_withdrawn_permission_counts_before_the_next_snapshot(trial, alice, signed_in, computed):
    computed()
    client = signed_in(alice)
    assert figures_on(text_of(client.get(OPEN))) == [*EFFICACY, *ALWAYS]
    computed(pooled=False)
    assert figures_on(text_of(client.get(OPEN))) == list(ALWAYS)
    assert client.get(f"{OPEN}responders.csv").status_code == 404


def test_open_dashboard_says_nothing_of_arms(trial, alice, signed_in, computed):
    computed()
    page = text_of(signed_in(alice).get(OPEN))
    assert "Arm A" not in page
    assert "ifference" not in page


@pytest.mark.parametrize("person", ["alice", "oscar"])
@pytest.mark.parametrize("address", [CLOSED, f"{CLOSED}responders.csv"])
def test_closed_figures_are_refused_to_masked_roles(trial, signed_in, computed, request, person, address):
    computed()
    assert signed_in(request.getfixturevalue(person)).get(address).status_code == 403


def test_small_group_is_named_and_neither_drawn_nor_downloaded(trial, alice, signed_in, computed):
    computed()
    client = signed_in(alice)
    assert 'Pelvic pain</th> <td class="muted" colspan="3">Not printed: too few</td>' in text_of(client.get(OPEN))
    rows = records(client.get(f"{OPEN}diagnoses.csv"))
    (hidden,) = [row for row in rows if row["diagnosis"] == "pelvic"]
    assert (hidden["suppressed"], hidden["n"], hidden["estimate"]) == ("yes", "", "")


def test_curve_of_a_few_is_not_drawn():
    payload = made_up_outcomes.payload("open")
    point = payload["time_points"][1]["groups"][0]
    del point["curve"]
    point["counts"]["due"] = 3
    figure = figures_of(payload, cut=350)[0]  # type: ignore[arg-type]
    assert (figure.few, figure.rows, figure.records) == ("Too few at Week 52 (n = 3). Shown from 5.", [], [])


def test_drawn_data_are_the_payloads_numbers(trial, uma, signed_in, computed):
    computed()
    page = signed_in(uma).get(CLOSED).content.decode()
    drawn = island(page, "responders")["lines"]
    stored = [arm["curve"] for arm in made_up_outcomes.arms("A", "B")]
    assert [line["y"] for line in drawn] == [[100 * rate for rate in curve["rates"]] for curve in stored]
    assert [line["at"][0]["k"] for line in drawn] == [87, 45]
    assert [line["key"] for line in island(page, "over-time")["lines"]] == ["A", "B"]
    assert island(page, "means")["lines"][0]["y"] == [26.7, 16.2, 16.2]


def records(answer):
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_download_holds_every_number_exactly(trial, alice, signed_in, computed):
    computed()
    client = signed_in(alice)
    curve = made_up_outcomes.curve(132, 301)
    found = records(client.get(f"{OPEN}responders.csv"))
    assert [float(row["rate"]) for row in found] == curve["rates"]
    assert [float(row["at_least_percent"]) for row in found] == [cut / 10 for cut in curve["cuts_tenths"]]
    answer = client.get(f"{OPEN}completeness.csv")
    assert records(answer)[0]["share"] == repr(301 / 304)
    assert answer["Content-Disposition"] == 'attachment; filename="calm-m1-open-completeness-3.csv"'
    assert client.get(f"{OPEN}nothing.csv").status_code == 404


def test_thresholds_are_tabs_of_the_address():
    payload = unshared("open")
    payload["thresholds_tenths"] = [300, 500]
    assert [cut_of(payload, asked) for asked in ("", "500", "350", "x")] == [300, 500, 300, 300]  # type: ignore[arg-type]
    for point in payload["time_points"]:
        for group in point["groups"]:
            rates = group.get("rates", [])
            for row in rates:
                row["threshold_tenths"] = 300
            rates.extend([{**row, "threshold_tenths": 500, "responders": 60, "rate": 60 / 301} for row in rates])
    over_time = figures_of(payload, cut=500)[1]  # type: ignore[arg-type]
    assert [(tab.tenths, tab.current) for tab in over_time.cuts] == [(300, False), (500, True)]
    assert over_time.data["lines"][0]["k"] == [60, 60]


def test_several_arms_have_a_line_each_and_a_row_for_each_comparison():
    payload = unshared("closed")
    for point in payload["time_points"]:
        for group in point["groups"]:
            if "arms" in group:
                third = copy.deepcopy(group["arms"][0]) | {"code": "C", "label": "Arm C"}
                group["arms"].append(third)
                group["contrasts"] += made_up_outcomes.contrasts("A", "C")
    found = {figure.key: figure for figure in figures_of(payload, cut=350)}  # type: ignore[arg-type]
    assert [line["name"] for line in found["responders"].data["lines"]] == ["Arm A", "Arm B", "Arm C"]
    forest = found["diagnoses"].plot
    assert forest.several
    assert [row.comparison for row in forest.rows if row.label == "All"] == ["A \u2212 B", "A \u2212 C"]


def test_trial_without_a_time_point_that_is_due_says_so():
    payload = made_up_outcomes.payload("open")
    for point in payload["time_points"]:
        whole = point["groups"][0]
        whole["counts"] |= {"due": 0, "completeness": {"complete": 0, "due": 0, "share": None}}
        whole["curve"] = {"n": 0, "cuts_tenths": [], "responders": [], "rates": []}
        for row in whole["rates"]:
            row |= {"responders": 0, "n": 0, "rate": None, "low": None, "high": None}
        for row in whole["means"]:
            row |= {"n": 0, "mean": None, "low": None, "high": None, "sd": None}
        point["groups"] = [whole]
    headings = [figure.heading for figure in figures_of(payload, cut=350)]  # type: ignore[arg-type]
    assert headings[:4] == [
        "Week 52: nobody is due yet",
        "Over time: nobody is due yet",
        "By diagnosis, Week 52: nobody is due yet",
        "Mean pain, Week 52: no values yet",
    ]
    assert headings[5] == "Completeness: nobody is due yet"


def test_reading_and_downloading_is_recorded(trial, uma, signed_in, computed):
    computed()
    client = signed_in(uma)
    for address in (OPEN, CLOSED, f"{CLOSED}means.csv"):
        client.get(address)
    acts = ActLog.objects.filter(actor=uma, trial=trial).order_by("pk")
    assert list(acts.values_list("act", "target")) == [
        ("outcomes_read", "snapshot 3"),
        ("closed_outcomes_read", "snapshot 3"),
        ("closed_outcomes_read", "snapshot 3"),
    ]


def test_unchanged_page_is_answered_by_its_tag(trial, alice, signed_in, computed):
    computed()
    client = signed_in(alice)
    for address in (OPEN, f"{OPEN}responders.csv"):
        tag = client.get(address)["ETag"]
        again = client.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    computed(is_waiting=True)
    assert client.get(OPEN, headers={"If-None-Match": tag}).status_code == 200


def test_open_figures_are_laid_out_once_and_closed_ones_are_never_kept(trial, alice, uma, signed_in, computed, monkeypatch):
    computed()
    made = []
    monkeypatch.setattr("web.dashboard.figures_of", lambda *args, **more: made.append(1) or figures_of(*args, **more))
    client = signed_in(alice)
    first, second = (text_of(client.get(OPEN)) for _ in range(2))
    assert (len(made), first) == (1, second)
    kept = dict(cache._cache) if hasattr(cache, "_cache") else {}
    for _ in range(2):
        signed_in(uma).get(CLOSED)
    assert len(made) == 3
    assert not hasattr(cache, "_cache") or set(kept) == set(cache._cache)


def test_statements_and_bytes_do_not_grow_with_patients(trial, alice, setup_actor, signed_in):
    """What is read is one stored text and the state of its trial: no table of patients, and as many statements for many as for few."""
    text = made_up_outcomes.stored("open").text
    Snapshot.objects.create(
        trial=trial, plan=trial.plans.get(), number=1, cutoff="2026-11-19T09:30Z", code_version="x", payload=text, sha256="ab" * 32
    )
    browser = signed_in(alice)

    def asked():
        cache.clear()
        client = beginner(browser)
        with CaptureQueriesContext(connections["default"]) as found:
            body = client.get(OPEN).content
        # A statement that the connection keeps prepared shows no text here; the text of each is in the code, without a patient's table.
        return [re.sub(r"'[^']*'|\d+", "?", query["sql"] or "prepared") for query in found], len(body)

    asked()
    few = asked()
    for number in range(60):
        make_enrolment(trial, f"P-{number + 100:04d}", site="N", by=setup_actor)
    assert asked() == few
    walked = ("registry_enrolment", "registry_painscore", "registry_endpoint", "registry_allocation", "registry_patient")
    assert [sql for sql in few[0] if any(f'"{table}"' in sql for table in walked)] == []


def recruitment_with(plan, **facts):
    document = unshared("open")
    document["recruitment"] |= {"plan": plan, **facts}
    return next(figure for figure in figures_of(document, cut=350) if figure.key == "recruitment")


PLAN = {"participants": 160, "starts_on": "2026-07-06", "ends_on": "2027-07-31", "planned": 55, "reached_on": "2028-01-12"}


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        ({"planned": 55}, "40 allocated by 18 Nov 2026, 15 behind plan (55 of 160 by now)"),
        ({"planned": 38}, "40 allocated by 18 Nov 2026, 2 ahead of plan (38 of 160 by now)"),
        ({"planned": 40}, "40 allocated by 18 Nov 2026, on plan (40 of 160)"),
        ({"planned": None}, "40 allocated by 18 Nov 2026 of 160 planned"),
    ],
    ids=["behind", "ahead", "on plan", "without days"],
)
def test_heading_of_recruitment_says_how_far_from_the_plan(planned, said):
    figure = recruitment_with({**PLAN, **planned})
    assert figure.heading.startswith(said)
    assert said in figure.spoken


def test_planned_recruitment_is_drawn_tabulated_and_downloaded():
    figure = recruitment_with(PLAN)
    assert figure.data["plan"] == [["2026-07-06", 0], ["2027-07-31", 160]]
    assert figure.columns[-1] == "Planned by then"
    assert figure.rows[-1] == ["November 2026", "6", "40", "59"]
    assert "All 160 would be allocated by 12 Jan 2028; the plan says 31 Jul 2027." in figure.caption
    planned = [(row["on"], row["planned"]) for row in figure.records if row["kind"] == "plan"]
    assert planned == [("2026-07-06", 0), ("2027-07-31", 160)]
    assert next(row["planned"] for row in figure.records if row["kind"] == "week") == 2


def test_without_a_plan_nothing_is_compared():
    figure = recruitment_with(None)
    assert (figure.data["plan"], figure.columns) == ([], ["Month", "New", "In all"])
    assert "plan" not in figure.heading + figure.caption


def test_cells_lead_to_the_missing_for_who_may_list_them(trial, alice, signed_in, setup_actor, computed, enrolment):
    computed(pooled=False, withheld=True)
    page = text_of(signed_in(alice).get(OPEN))
    assert 'href="/t/calm-m1/patients/?missing=W52"' in page
    assert "list the 3 incomplete" in page
    listed = text_of(signed_in(alice).get("/t/calm-m1/patients/?missing=W52"))
    assert "Incomplete at" in listed
    assert "Nobody matches" in listed
    investigator = add_person("pia", "principal_investigator", by=setup_actor, trial=trial)
    page = text_of(signed_in(investigator).get(OPEN))
    assert "Complete at Week 52: 301 of 304" in page
    assert "?missing=" not in page
    assert "Incomplete at" not in text_of(signed_in(investigator).get("/t/calm-m1/patients/?missing=W4"))


def test_cells_of_the_closed_dashboard_lead_nowhere(uma, signed_in, computed, enrolment):
    computed()
    assert "?missing=" not in text_of(signed_in(uma).get(CLOSED))

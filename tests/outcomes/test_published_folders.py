"""Three published trials, all the way: data file, trial folder, import, outcomes by command and page, beside R's own numbers."""

import csv
import importlib.util
import json
import sys
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from registry.environment import ROOT
from registry.interchange.importer import bring_in
from registry.models import Trial
from registry.services import accounts

NAMES = {"vickers2004_headache": "vickers2004", "chow2006_neck_pain": "chow2006", "sudmex_rtms_craving": "sudmex"}
NOW = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def folders(shared, tmp_path_factory):
    """Turn the data files into folders by the script of the how-to."""
    path = ROOT / "docs/how-to/examples/published_trials.py"
    spec = importlib.util.spec_from_file_location("published_trials_example", path)
    example = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = example  # its dataclasses look themselves up there
    spec.loader.exec_module(example)
    target = tmp_path_factory.mktemp("folders")
    return {name: example.make_folder(name, shared / "data", target) for name in NAMES}


@pytest.fixture
def administrator(worker):
    return accounts.ensure_first_administrator(password=PASSWORD, now=NOW)


def outcomes(slug, *options):
    out = StringIO()
    call_command("outcomes", slug, "--as", "admin@example.org", *options, stdout=out)
    return out.getvalue()


def oracle(shared, name, file):
    with open(shared / "data" / name / f"oracle_{file}.csv", newline="") as source:
        return list(csv.DictReader(source))


@pytest.mark.parametrize("name", NAMES)
def test_import_gives_the_counts_and_intervals_of_r(shared, folders, administrator, name):
    report = bring_in(folders[name], by=administrator, now=NOW)
    assert report.imported, report.lines()
    rows = [row for row in csv.DictReader(StringIO(outcomes(NAMES[name], "--closed", "--format", "csv"))) if row["group_kind"] == "overall"]
    rates = {(r["time_point"], r["rule"], r["threshold_percent"], r["arm"].lower()): r for r in rows if r["kind"] == "rate"}
    expected = oracle(shared, name, "responders")
    assert len(expected) == len(rates)
    for line in expected:
        row = rates[line["visit"], line["rule"], line["threshold"], line["arm"].lower()]
        assert (row["responders"], row["n"]) == (line["responders"], line["n"])
        assert float(row["low"]) == pytest.approx(float(line["wilson_lo"]), abs=1e-6)
        assert float(row["high"]) == pytest.approx(float(line["wilson_hi"]), abs=1e-6)
    differences = {(r["time_point"], r["rule"], r["threshold_percent"]): r for r in rows if r["kind"] == "difference"}
    for line in oracle(shared, name, "comparisons"):
        row = differences[line["visit"], line["rule"], line["threshold"]]
        assert (row["responders"], row["n"], row["versus_responders"], row["versus_n"]) == (line["x1"], line["n1"], line["x2"], line["n2"])
        assert float(row["estimate"]) == pytest.approx(float(line["rd"]), abs=1e-6)
        assert float(row["low"]) == pytest.approx(float(line["newcombe_lo"]), abs=1e-6)
        assert float(row["high"]) == pytest.approx(float(line["newcombe_hi"]), abs=1e-6)
        assert row["nnt_text"] == line["nnt_text"]


def test_page_shows_what_the_paper_printed(folders, administrator, client):
    bring_in(folders["vickers2004_headache"], by=administrator, now=NOW)
    outcomes("vickers2004", "--format", "json")
    client.force_login(administrator)
    page = client.get("/t/vickers2004/outcomes/closed/").content.decode()
    assert "87/161" in page
    assert "45/140" in page


def test_masked_view_of_the_sham_controlled_trial_names_no_arm(folders, administrator, setup_actor, client):
    bring_in(folders["sudmex_rtms_craving"], by=administrator, now=NOW)
    masked = accounts.create_user(email="masked@example.org", name="Masked Person", password=PASSWORD, by=setup_actor)
    trial = Trial.objects.get(slug="sudmex")
    accounts.add_membership(user=masked, role="coordinator", trial=trial, by=setup_actor, valid_from=NOW.date())
    document = json.loads(outcomes("sudmex", "--format", "json"))
    assert document["time_points"][0]["groups"][0]["counts"]["statuses"]["baseline_zero"] == 7
    client.force_login(masked)
    assert client.get("/t/sudmex/outcomes/").status_code == 200
    assert client.get("/t/sudmex/outcomes/closed/").status_code == 403
    for page in ("/t/sudmex/outcomes/", "/t/sudmex/patients/", "/t/sudmex/patients/1/"):
        text = client.get(page).content.decode().lower()
        assert "sham" not in text
        assert "active rtms" not in text

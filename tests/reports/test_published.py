"""The report of a published trial says R's numbers, on the page and in the PDF, and is the same bytes when made again."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from io import BytesIO, StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pypdf import PdfReader

from registry.interchange.importer import bring_in
from registry.models import ReportDocument, Trial, User, WeeklyReport
from registry.rules.report_weeks import ReportWeek
from registry.selectors.reports import closed_report, open_report
from tests.outcomes.test_published_folders import NAMES, NOW, administrator, folders, oracle

__all__ = ["administrator", "folders"]
AS = ("--as", "admin@example.org")


class Tables(HTMLParser):
    """Collects a page's tables: caption, and rows of (text, exact number) cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[tuple[str, str]]]] = {}
        self.rows: list[list[tuple[str, str]]] = []
        self.caption, self.cell, self.exact, self.inside = "", "", "", ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.rows = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th", "caption"):
            self.inside, self.cell, self.exact = tag, "", ""
        elif tag == "data":
            self.exact = dict(attrs)["value"]

    def handle_data(self, data):
        self.cell += data if self.inside else ""

    def handle_endtag(self, tag):
        if tag == "caption":
            self.caption = self.cell
        elif tag in ("td", "th"):
            self.rows[-1].append((self.cell.strip(), self.exact))
        elif tag == "table":
            self.tables[self.caption] = self.rows[1:]
        self.inside = "" if tag in ("td", "th", "caption") else self.inside


def report(slug, *options):
    out = StringIO()
    call_command("report", slug, *AS, *options, stdout=out)
    return out.getvalue()


def squeezed(text):
    """Return text without the breaks a page needs."""
    return re.sub(r"\s+", "", text)


@pytest.fixture
def issued(folders, administrator):
    """Import a published trial, issue this week's report, return a function of name that gives both documents."""

    def issue(name):
        assert bring_in(folders[name], by=administrator, now=NOW).imported
        trial = Trial.objects.get(slug=NAMES[name])
        week = str(ReportWeek.of(timezone.now(), trial.zone))
        assert "SHA-256" in report(trial.slug, "--week", week)
        # Who imports a trial becomes its unmasked statistician.
        reader = User.objects.get(pk=administrator.pk)
        return open_report(trial, week, 1, by=reader), closed_report(trial, week, 1, by=reader)

    return issue


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_r_stands_on_the_page(shared, issued, name):
    _opened, closed = issued(name)
    labels = {point["label"]: point["code"] for point in json.loads(closed.payload)["time_points"]}
    found = Tables(closed.html).tables
    rates = {}
    for (who, _), (cut, _), (rule, _), (k, _), (n, _), _rate, (_, limits) in found["Response rates"]:
        point, arm = who.rsplit(", ", 1)
        rates[labels[point], rule, cut.strip("≥ %"), arm.lower()] = k, n, limits
    expected = oracle(shared, name, "responders")
    names = {line["arm"].lower() for line in expected}
    spoken = {arm: next((one for one in names if one == arm or one in arm.replace(" ", "")), arm) for *_, arm in rates}
    rates = {(*key[:3], spoken[key[3]]): value for key, value in rates.items()}
    assert len(expected) == len(rates)
    for line in expected:
        k, n, limits = rates[line["visit"], line["rule"], line["threshold"], line["arm"].lower()]
        assert (k, n) == (line["responders"], line["n"])
        assert [float(end) for end in limits.split()] == pytest.approx([float(line["wilson_lo"]), float(line["wilson_hi"])], abs=1e-6)
    differences = {}
    for (who, _), (cut, _), (rule, _), (first, _), (second, _), (_, points), (_, limits), needed in found["Differences between arms"]:
        differences[labels[who.rsplit(", ", 1)[0]], rule, cut.strip("≥ %")] = first, second, points, limits, needed
    for line in oracle(shared, name, "comparisons"):
        first, second, points, limits, needed = differences[line["visit"], line["rule"], line["threshold"]]
        assert (first, second) == (f"{line['x1']}/{line['n1']}", f"{line['x2']}/{line['n2']}")
        assert float(points) == pytest.approx(float(line["rd"]), abs=1e-6)
        assert [float(end) for end in limits.split()] == pytest.approx([float(line["newcombe_lo"]), float(line["newcombe_hi"])], abs=1e-6)
        assert needed == (as_printed(line["nnt_text"]), line["nnt_text"])


def test_every_number_of_r_stands_in_the_pdf(shared, issued):
    _opened, closed = issued("vickers2004_headache")
    text = squeezed("".join(page.extract_text() for page in PdfReader(BytesIO(closed.pdf)).pages))
    visits = {point["code"]: point["label"] for point in json.loads(closed.payload)["time_points"]}
    for line in oracle(shared, "vickers2004_headache", "responders"):
        limits = f"{100 * float(line['wilson_lo']):.1f} to {100 * float(line['wilson_hi']):.1f} %"
        rate = f"{100 * int(line['responders']) / int(line['n']):.1f} %"
        who = f"{visits[line['visit']]}, {line['arm']}≥ {line['threshold']} %{line['rule']}{line['responders']}{line['n']}{rate}{limits}"
        assert squeezed(who) in text
    for line in oracle(shared, "vickers2004_headache", "comparisons"):
        counts = f"{line['rule']}{line['x1']}/{line['n1']}{line['x2']}/{line['n2']}"
        ends = [f"{100 * float(line[name]):+.1f}".replace("-", "−") for name in ("rd", "newcombe_lo", "newcombe_hi")]
        assert squeezed(f"{counts}{ends[0]}{ends[1]}to{ends[2]}{as_printed(line['nnt_text'])}") in text


def as_printed(limits):
    """Return R's limits of a number needed with one decimal."""
    return re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.1f}", limits).replace("Inf", "∞")


def check_pdf(found, word):
    read = PdfReader(BytesIO(found.pdf))
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert read.trailer["/Root"]["/Lang"].startswith("en")
    assert b"pdfuaid:part" in found.pdf
    assert b"pdfaid:part" in found.pdf
    assert all(f"version 1, {word}" in page.extract_text() for page in read.pages)
    assert all(f"Page {number} of {len(read.pages)}" in page.extract_text() for number, page in enumerate(read.pages, start=1))


def check_page(found):
    assert not re.search(r"<script|<link|<img|<iframe|\bsrc=|\bstyle=|@import|url\(|https?://(?!www\.w3\.org/2000/svg)", found.html)
    assert found.html.count("<style>") == 1
    assert found.damaged == []


def test_documents_stand_alone_are_made_again_equal_and_are_kept_as_issued(issued, owner_connection):
    for found, word in zip(issued("vickers2004_headache"), ("OPEN", "CLOSED"), strict=True):
        check_page(found)
        check_pdf(found, word)
    for options in ((), ("--closed",)):
        assert "byte for byte" in report("vickers2004", "--number", "1", "--recompute", *options)
    assert WeeklyReport.objects.count() == 1
    for statement in (
        "UPDATE registry_reportdocument SET html = ''",
        "DELETE FROM registry_reportdocument",
        "UPDATE closed.report_document SET pdf = ''",
        "DELETE FROM closed.report_document",
        "TRUNCATE closed.report_document",
    ):
        with pytest.raises(psycopg.Error, match="what was written stays"):
            owner_connection.execute(statement)
    assert report("vickers2004", "--verify").count("as issued") == 2
    owner_connection.execute(
        "SET session_replication_role = replica; UPDATE registry_reportdocument SET html = replace(html, '43.9', '44.9')"
    )
    with pytest.raises(CommandError, match="open: html"):
        report("vickers2004", "--verify")


def test_the_open_page_counts_both_arms_together(shared, issued):
    opened, _closed = issued("vickers2004_headache")
    labels = {point["label"]: point["code"] for point in json.loads(opened.payload)["time_points"]}
    expected = {}
    for row in oracle(shared, "vickers2004_headache", "responders"):
        k, n = expected.get((row["visit"], row["rule"], row["threshold"]), (0, 0))
        expected[row["visit"], row["rule"], row["threshold"]] = k + int(row["responders"]), n + int(row["n"])
    rows = Tables(opened.html).tables["Response rates"]
    found = {(labels[row[0][0]], row[2][0], row[1][0].strip("≥ %")): (int(row[3][0]), int(row[4][0])) for row in rows}
    assert found == expected
    assert "Differences between arms" not in Tables(opened.html).tables


def test_the_command_prints_the_snapshot_writes_the_pdf_and_never_replaces_a_version(issued, tmp_path):
    opened, closed = issued("vickers2004_headache")
    payload = json.loads(report("vickers2004", "--number", "1", "--closed", "--format", "json"))
    assert payload == json.loads(closed.payload)
    assert payload["open_sha256"] == opened.payload_sha256
    with pytest.raises(CommandError, match="--output"):
        report("vickers2004", "--number", "1", "--format", "pdf")
    report("vickers2004", "--number", "1", "--format", "pdf", "--output", str(tmp_path / "week.pdf"))
    assert (tmp_path / "week.pdf").read_bytes() == opened.pdf
    with pytest.raises(CommandError, match="made again"):
        report("vickers2004")
    report("vickers2004", "--reason", "for the board's meeting")
    assert [row.version for row in WeeklyReport.objects.order_by("version")] == [1, 2]
    assert ReportDocument.objects.get(report__version=1).html_sha256 == opened.html_sha256
    assert "made again: for the board&#x27;s meeting" in ReportDocument.objects.get(report__version=2).html


def test_computed_anew_by_another_layout_the_numbers_are_told_to_be_the_same(issued, monkeypatch):
    issued("vickers2004_headache")
    for module in ("registry.reports.contents", "registry.management.commands.report"):
        monkeypatch.setattr(f"{module}.renderer", lambda: "another one")
    told = report("vickers2004", "--number", "1", "--recompute")
    assert "every number is the same" in told
    assert "now another one" in told

"""Days, numbers and pages as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.http import QueryDict
from django.utils import timezone

from web.paging import pager
from web.templatetags import registry_tags as tags


def test_day_is_written_with_its_weekday():
    assert tags.day(date(2026, 11, 19)) == "Thu 19 Nov 2026"
    assert tags.day(None) == ""


def test_short_day_has_no_weekday():
    assert tags.short_day(date(2026, 11, 9)) == "9 Nov 2026"


def test_moment_is_on_the_clock_of_the_trial():
    with timezone.override("Europe/Berlin"):
        assert tags.moment(datetime(2026, 11, 19, 13, 5, tzinfo=UTC)) == "Thu 19 Nov 2026, 14:05"


def test_days_inside_a_sentence_are_rewritten():
    assert tags.readable_days("from 2026-10-19 to 2026-10-20.") == "from Mon 19 Oct 2026 to Tue 20 Oct 2026."


@pytest.mark.parametrize(
    ("value", "text"), [("7.000000", "7"), ("3.500000", "3.5"), ("0.000000", "0"), ("100.000000", "100"), ("-2.5", "\u22122.5")]
)
def test_values_have_no_trailing_zeros(value, text):
    assert tags.plain(Decimal(value)) == text


def test_pager_says_what_is_shown_and_keeps_the_filter():
    middle = pager(QueryDict("site=N&q=&page=2"), page=2, size=50, total=120)
    assert (middle.first_row, middle.last_row, middle.count_total) == (51, 100, 120)
    assert (middle.previous_query, middle.next_query) == ("site=N&page=1", "site=N&page=3")


def test_pager_of_one_page_leads_nowhere():
    only = pager(QueryDict(""), page=1, size=50, total=3)
    assert (only.previous_query, only.next_query) == ("", "")
    assert pager(QueryDict(""), page=1, size=50, total=0).first_row == 0

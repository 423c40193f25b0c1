"""Report weeks: from Monday 00:00 to the next Monday 00:00, exclusive, in the trial's zone; and when their report is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from registry.exceptions import InvalidInput, Problem
from registry.vocabulary import ReportDay
from registry.wording import _

_FORM = re.compile(r"(\d{4})-W(\d{2})")
# Dates near the ends of the calendar have no midnight in every zone.
YEARS = range(1900, 3000)
_DAYS = tuple(day for day in ReportDay if day != ReportDay.NONE)


@dataclass(frozen=True, order=True)
class ReportWeek:
    """One ISO week, ordered by time."""

    monday: date

    @classmethod
    def read(cls, text: str) -> ReportWeek:
        """Return the week of a text like 2026-W47; raise InvalidInput for any other."""
        found = _FORM.fullmatch(text.strip())
        try:
            if found and int(found[1]) in YEARS:
                return cls(date.fromisocalendar(int(found[1]), int(found[2]), 1))
        except ValueError:
            pass  # a year without that week: told below like any other mistake
        raise InvalidInput(
            [Problem("week", _("'%(text)s' is no week. Write the ISO year and week, for example 2026-W47.") % {"text": text})]
        )

    @classmethod
    def of(cls, moment: datetime, zone: ZoneInfo) -> ReportWeek:
        """Return the week an instant lies in."""
        day = moment.astimezone(zone).date()
        return cls(day - timedelta(days=day.weekday()))

    def __str__(self) -> str:
        year, week, _day = self.monday.isocalendar()
        return f"{year}-W{week:02d}"

    @property
    def next(self) -> ReportWeek:
        """Return the week after."""
        return ReportWeek(self.monday + timedelta(weeks=1))

    @property
    def before(self) -> ReportWeek:
        """Return the week before."""
        return ReportWeek(self.monday - timedelta(weeks=1))

    @property
    def sunday(self) -> date:
        """Return its last day."""
        return self.monday + timedelta(days=6)

    def begins_at(self, zone: ZoneInfo) -> datetime:
        """Return its first instant in UTC. A week with a clock change has 167 or 169 hours."""
        return _midnight(self.monday, zone)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """Return the first instant after it in UTC: the data cut-off, exclusive."""
        return _midnight(self.next.monday, zone)

    def report_at(self, day: ReportDay, hour: int, zone: ZoneInfo) -> datetime | None:
        """Return when its report is made in UTC: that day's local hour in the week after; None where only by request."""
        if day == ReportDay.NONE:
            return None
        on = self.next.monday + timedelta(days=_DAYS.index(day))
        return datetime.combine(on, time(hour), zone).astimezone(UTC)


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), zone).astimezone(UTC)


def weeks_due(
    *, now: datetime, day: ReportDay, hour: int, zone: ZoneInfo, first: ReportWeek, last_made: ReportWeek | None
) -> Iterator[ReportWeek]:
    """Yield the weeks whose report should exist by now and does not, oldest first.

    Every week since the last one made is caught up, however long nothing ran; before the first one, only the week that ended
    last, if it is not before `first`.
    """
    last = ReportWeek.of(now, zone).before
    at = last.report_at(day, hour, zone)
    if at is None:
        return
    if now < at:
        last = last.before
    week = last if last_made is None else last_made.next
    week = max(week, first)
    while week <= last:
        yield week
        week = week.next

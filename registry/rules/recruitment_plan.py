"""How many participants a trial plans to have by a day: from none on the eve of its first day, evenly, to all on its last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

# A day further away tells nothing more than that the rate is too low, and calendars end.
FURTHEST_DAYS = 50 * 365


@dataclass(frozen=True)
class RecruitmentPlan:
    """The planned number of participants; without both days it is due at no particular time."""

    participants: int
    starts_on: date | None = None
    ends_on: date | None = None

    def by(self, on: date) -> int | None:
        """Return how many whole participants are planned by the end of a day, None for a plan without days."""
        if self.starts_on is None or self.ends_on is None:
            return None
        days = (self.ends_on - self.starts_on).days + 1
        gone = min(max((on - self.starts_on).days + 1, 0), days)
        return floor(Fraction(self.participants * gone, days))

    def reached_on(self, total: int, per_week: Fraction, since: date) -> date | None:
        """Return the day on which all are there if so many a week come from a day on, None where that is beyond a lifetime's work."""
        missing = self.participants - total
        if missing <= 0 or per_week <= 0:
            return None
        days = ceil(7 * missing / per_week)
        return since + timedelta(days=days) if days <= FURTHEST_DAYS else None

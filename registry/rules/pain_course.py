"""A patient's pain over time: one value a day, the trailing week's mean, weekly means. For care and display, never for an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

TRAILING_DAYS = 7
TRAILING_MIN_N = 3


@dataclass(frozen=True, slots=True)
class DayValue:
    """The value that counts for one study day (day 0 = anchor), in points of the scale."""

    day: int
    value: Fraction


@dataclass(frozen=True, slots=True)
class WeekMean:
    """The mean of one stretch of seven days; `number` 0 is the week before the anchor."""

    number: int
    n: int
    mean: Fraction


def trailing_means(days: Sequence[DayValue]) -> list[Fraction | None]:
    """Return for each day the mean of the seven days that end on it, or None below three values. Days ascend, each once."""
    by_day = {item.day: item.value for item in days}
    means: list[Fraction | None] = []
    for item in days:
        window = [by_day[day] for day in range(item.day - TRAILING_DAYS + 1, item.day + 1) if day in by_day]
        means.append(sum(window, Fraction(0)) / len(window) if len(window) >= TRAILING_MIN_N else None)
    return means


def week_number(day: int) -> int:
    """Return the week a study day belongs to: 0 for days -7 to -1, 1 for 0 to 6, negative before."""
    return day // TRAILING_DAYS + 1


def weekly_means(days: Sequence[DayValue]) -> list[WeekMean]:
    """Return the mean of each week that has a value, in order."""
    weeks: dict[int, list[Fraction]] = {}
    for item in days:
        weeks.setdefault(week_number(item.day), []).append(item.value)
    return [WeekMean(number, len(values), sum(values, Fraction(0)) / len(values)) for number, values in sorted(weeks.items())]


def change_percent(baseline: Fraction, value: Fraction) -> Fraction | None:
    """Return the change from baseline in percent (negative is less pain), or None from a baseline of zero."""
    return None if baseline == 0 else 100 * (value - baseline) / baseline

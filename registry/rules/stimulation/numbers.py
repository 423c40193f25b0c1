"""Numbers of a dose: read from text, held to a range, rounded half up, written for people."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from registry.exceptions import Problem
from registry.wording import _

DECIMALS = 3
THIN_SPACE = "\u2009"
UNKNOWN = "–"
_DECIMAL = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,9})?")


def read_decimal(text: str) -> Decimal | None:
    """Return a typed number with a decimal point or comma; None for anything else, a sign or an exponent included."""
    typed = text.strip()
    return Decimal(typed.replace(",", ".")) if _DECIMAL.fullmatch(typed) else None


def round_half_up(value: Fraction) -> int:
    """Return the nearest integer, halves upward; Python's own rounding takes halves to the even one (40 for 40.5)."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def decimal_text(value: Decimal | int) -> str:
    """Return a number without exponent and without zeros at its end."""
    return f"{Decimal(value).normalize():f}"


def rounded_text(value: Fraction, decimals: int) -> str:
    """Return a number of at most so many decimals, rounded half up."""
    return decimal_text(Decimal(round_half_up(value * 10**decimals)).scaleb(-decimals))


def count_text(count: int | None) -> str:
    """Return a count with thin spaces between its thousands, or a dash where it is not known."""
    return UNKNOWN if count is None else f"{count:,}".replace(",", THIN_SPACE)


def percent_text(value: Fraction | None) -> str:
    """Return a percentage of at most one decimal, or a dash where it is not known."""
    return UNKNOWN if value is None else rounded_text(value, 1)


def length_text(seconds: Fraction | int | None) -> str:
    """Return a length in minutes and seconds, to a hundredth of a second: '14 min 40 s', '10 min', '39.84 s'."""
    if seconds is None:
        return UNKNOWN
    hundredths = round_half_up(Fraction(seconds) * 100)
    minutes, rest = divmod(hundredths, 6000)
    parts = [f"{minutes} min"] if minutes else []
    if rest or not minutes:
        parts.append(f"{decimal_text(Decimal(rest).scaleb(-2))} s")
    return " ".join(parts)


def range_problem(
    field: str, value: Decimal | int, low: Decimal | int, high: Decimal | int, unit: str = "", decimals: int = DECIMALS
) -> Problem | None:
    """Return what is wrong with a number outside its range or finer than can be set, or None."""
    given = Decimal(value)
    if not given.is_finite() or not low <= given <= high:
        limits = {"low": decimal_text(low), "high": f"{decimal_text(high)}{f' {unit}' if unit else ''}"}
        return Problem(field, _("Enter a value from %(low)s to %(high)s.") % limits, "out_of_range")
    if given != round(given, decimals):
        told = _("Enter at most %(n)s decimals.") if decimals > 1 else _("Enter at most %(n)s decimal.")
        return Problem(field, told % {"n": decimals}, "too_many_decimals")
    return None

"""Reading one cell: text in, canonical text out, or BadCell with what is wrong and what would be right.

The canonical text is what an export writes and what PostgreSQL reads; `value_of` turns it into a Python value.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

from registry.rules.tables.columns import Column, Kind
from registry.rules.tables.problems import BadCell, name_remedy

CellValue = str | int | Decimal | date | datetime | bool | tuple[str, ...] | None

YES_NO = {"yes": True, "no": False}
OVERALL = "overall"

_PATIENT = re.compile(r"[A-Z0-9-]{1,20}")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KIT = re.compile(r"[A-Z0-9-]{3,20}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}([.,][0-9]{1,30})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PARTIAL_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?)(Z|[+-][0-9]{2}:?[0-9]{2})?")
_CANONICAL_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_ICD_10 = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z-]{1,4})?")
_ICD_11 = re.compile(r"[0-9A-WYZ][A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,2})?")
_PAIN = re.compile(r"[1-9][0-9]?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def read_cell(column: Column, text: str) -> str:
    """Return the canonical text of a cell, the column's default for an empty one; raise BadCell for what cannot be read."""
    stripped = text.strip()
    if not stripped:
        if column.required:
            raise BadCell("is empty", f"Enter {_wanted(column)}")
        return column.default
    if _UNPRINTABLE.search(stripped):
        raise BadCell("holds bytes that are no readable text", "Save the file as UTF-8")
    return _READERS[column.kind](column, stripped)


def value_of(column: Column, canonical: str) -> CellValue:
    """Return a canonical text as a Python value, None for an empty one unless the column holds text."""
    if not canonical and column.kind not in _TEXTS:
        return None
    if column.kind is Kind.WORDS:
        return () if canonical == column.nothing else tuple(canonical.split())
    return _VALUES.get(column.kind, str)(canonical)


def canonical_decimal(value: Decimal) -> str:
    """Return a number without exponent, trailing zeros or a negative zero."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def canonical_instant(moment: datetime) -> str:
    """Return an instant in UTC, with a fraction of a second only where it has one."""
    text = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


def _wanted(column: Column) -> str:
    """Return in words what a cell of the column holds."""
    if column.kind is Kind.WORD and column.words is not None:
        return f"one of: {', '.join(column.words)}"
    if column.kind is Kind.WORDS and column.words is not None:
        return f"words with blanks between them, of: {', '.join(column.words)}"
    if column.kind is Kind.YES_NO:
        return "yes or no"
    return f"a {column.kind}, {_EXAMPLES[column.kind]}" if column.kind in _EXAMPLES else f"a {column.kind}"


_EXAMPLES = {
    Kind.PATIENT: "1 to 20 capitals, digits or dashes, like P-0042",
    Kind.CODE: "1 to 40 letters, digits, dots, dashes or underscores",
    Kind.SLUG: "1 to 40 small letters, digits, dashes or underscores",
    Kind.KIT: "3 to 20 capitals, digits or dashes",
    Kind.INTEGER: "digits only",
    Kind.DECIMAL: "like 7.5",
    Kind.DATE: "as YYYY-MM-DD",
    Kind.PARTIAL_DATE: "as YYYY, YYYY-MM or YYYY-MM-DD",
    Kind.INSTANT: "like 2026-03-01T20:15:00+01:00",
    Kind.ICD_10: "like G54.6",
    Kind.ICD_11: "like MG30.01",
}


def _read_patient(column: Column, text: str) -> str:
    if _PATIENT.fullmatch(text):
        return text
    if _PATIENT.fullmatch(text.upper()):
        raise BadCell("has small letters", f"Write it with capitals: {text.upper()}")
    raise BadCell("is no patient code", f"Use {_EXAMPLES[Kind.PATIENT]}")


def _matching(pattern: re.Pattern[str]) -> Callable[[Column, str], str]:
    """Return a reader that takes a text as it is if the pattern allows it."""

    def read(column: Column, text: str) -> str:
        if not pattern.fullmatch(text):
            raise BadCell(f"is no {column.kind}", f"Use {_wanted(column).partition(', ')[2]}")
        if len(text) > column.longest:
            raise BadCell(f"has {len(text)} characters", f"Use at most {column.longest}")
        return text

    return read


def _read_text(column: Column, text: str) -> str:
    """Return a text with each run of blanks and line ends as one blank."""
    joined = " ".join(text.split())
    if len(joined) > column.longest:
        raise BadCell(f"has {len(joined)} characters", f"Use at most {column.longest}")
    return joined


def _read_word(column: Column, text: str) -> str:
    words = [] if column.words is None else [str(word) for word in column.words]
    if text not in words:
        raise BadCell("is no allowed word", name_remedy(text, words, "word"))
    return text


def _read_words(column: Column, text: str) -> str:
    """Return words once each, in the order of the vocabulary."""
    given = text.replace(",", " ").replace(";", " ").split()
    if given == [column.nothing]:
        return column.nothing
    words = [] if column.words is None else [str(word) for word in column.words]
    for word in given:
        if word not in words:
            raise BadCell(f"holds '{word}', which is no allowed word", name_remedy(word, [*words, *filter(None, [column.nothing])], "word"))
    return " ".join(word for word in words if word in given)


def _read_integer(column: Column, text: str) -> str:
    if not _INTEGER.fullmatch(text):
        raise BadCell("is no whole number", "Use digits only")
    number = int(text)
    if (column.least is not None and number < column.least) or (column.most is not None and number > column.most):
        raise BadCell("is out of range", f"Enter a whole number {_range_text(column)}")
    return str(number)


def _range_text(column: Column) -> str:
    if column.most is None:
        return f"of {column.least} or more"
    return f"from {column.least} to {column.most}" if column.least is not None else f"of {column.most} or less"


def _read_decimal(column: Column, text: str) -> str:
    if not _DECIMAL.fullmatch(text):
        raise BadCell("is no number", "Use digits with a decimal point or comma, like 7.5; leave out units and thousands marks")
    number = Decimal(text.replace(",", "."))
    if number != round(number, 6):
        raise BadCell("has more than six decimals", "Round it to six decimals")
    if abs(number) >= 1_000_000:
        raise BadCell("is out of range", "Enter a number below 1000000")
    return canonical_decimal(number)


def _read_date(column: Column, text: str) -> str:
    if not _DATE.fullmatch(text):
        raise BadCell("is no date", "Write it as YYYY-MM-DD, like 2026-03-01")
    return _calendar_day(text)


def _calendar_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadCell("is no day of the calendar", "Check month and day; write it as YYYY-MM-DD") from None


def _read_partial_date(column: Column, text: str) -> str:
    if not _PARTIAL_DATE.fullmatch(text):
        raise BadCell("is no date", f"Write it {_EXAMPLES[Kind.PARTIAL_DATE]}")
    _calendar_day(text + "-01-01"[len(text) - 4 :])
    return text


def read_instant(text: str) -> str:
    """Return a time in UTC; raise BadCell for what is none, or has no offset."""
    if _CANONICAL_INSTANT.fullmatch(text):
        return _clock_time(text, text)
    found = _INSTANT.fullmatch(text)
    if not found:
        raise BadCell("is no time", f"Write it {_EXAMPLES[Kind.INSTANT]}")
    if not found[5]:
        raise BadCell("has no offset", f"Add the offset of the place and season, as in {text.replace(' ', 'T')}+01:00, or Z for UTC")
    return _clock_time(text.replace(",", "."), None)


def _clock_time(text: str, canonical: str | None) -> str:
    """Return an instant's canonical text, or the one given once the calendar has such a time."""
    try:
        moment = datetime.fromisoformat(text)
        return canonical or canonical_instant(moment)
    except (ValueError, OverflowError):
        raise BadCell("is no time of the calendar", "Check day, hour, minute and offset") from None


def _read_yes_no(column: Column, text: str) -> str:
    if text not in YES_NO:
        raise BadCell("is neither yes nor no", "Write yes or no")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _read_zone(column: Column, text: str) -> str:
    if text not in _zones():
        raise BadCell("is no time zone", _zone_remedy(text))
    return text


def _zone_remedy(text: str) -> str:
    remedy = name_remedy(text, sorted(_zones()), "time zone")
    return remedy.partition(";")[0] if remedy.startswith("Perhaps") else "Use a name of the tz database, like Europe/Berlin"


def _read_pain(column: Column, text: str) -> str:
    if text != OVERALL and not _PAIN.fullmatch(text):
        raise BadCell("is no pain", "Use overall, or the rank of a pain in pains.csv, like 1")
    return text


_READERS: dict[Kind, Callable[[Column, str], str]] = {
    Kind.PATIENT: _read_patient,
    Kind.CODE: _matching(_CODE),
    Kind.SLUG: _matching(_SLUG),
    Kind.KIT: _matching(_KIT),
    Kind.TEXT: _read_text,
    Kind.WORD: _read_word,
    Kind.WORDS: _read_words,
    Kind.INTEGER: _read_integer,
    Kind.DECIMAL: _read_decimal,
    Kind.DATE: _read_date,
    Kind.PARTIAL_DATE: _read_partial_date,
    Kind.INSTANT: lambda _, text: read_instant(text),
    Kind.YES_NO: _read_yes_no,
    Kind.ZONE: _read_zone,
    Kind.ICD_10: _matching(_ICD_10),
    Kind.ICD_11: _matching(_ICD_11),
    Kind.PAIN: _read_pain,
}

_TEXTS = frozenset(Kind) - {Kind.WORDS, Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.INSTANT, Kind.YES_NO}

_VALUES: dict[Kind, Callable[[str], CellValue]] = {
    Kind.INTEGER: int,
    Kind.DECIMAL: Decimal,
    Kind.DATE: date.fromisoformat,
    Kind.INSTANT: datetime.fromisoformat,
    Kind.YES_NO: YES_NO.__getitem__,
}

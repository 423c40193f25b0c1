"""A prepared allocation list as a CSV file: reading it, writing it, and what would give a concealed part away."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from registry.exceptions import InvalidInput, Problem
from registry.wording import _

COLUMNS = ("stratum", "position", "arm", "kit_code", "coil_position")
REQUIRED_COLUMNS = ("stratum", "arm")
KIT_CODE = re.compile(r"[A-Z0-9-]{3,20}")
LONGEST_STRATUM = 200
# With fewer kits than this, codes that happen to sort by part prove nothing.
KITS_THAT_PROVE_AN_ORDER = 12
SHORTEST_TELLING_WORD = 3


@dataclass(frozen=True, slots=True)
class ListRow:
    """One place of a list; `kit_code` is empty where codes are to be drawn."""

    line: int
    stratum: str
    position: int
    arm: str
    kit_code: str = ""
    coil_position: int | None = None


def read_list(content: bytes, parts: Mapping[str, str]) -> list[ListRow]:
    """Return the rows of a list in file order; `parts` maps each arm of the trial to its concealed part.

    Without a column `position` the order of the file counts within each stratum. Raises InvalidInput naming line and column
    of each wrong cell.
    """
    table = _table(content)
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    rows = [_row(line, cells, parts, seen, problems) for line, cells in table]
    problems += _repeats(rows) + _kit_problems(rows, parts)
    if not rows:
        problems.append(Problem("file", _("The list has no rows. Give one row for each place."), "empty"))
    if problems:
        raise InvalidInput(problems)
    return rows


def write_list(rows: Iterable[ListRow]) -> bytes:
    """Return rows as the CSV file that `read_list` reads."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([row.stratum, row.position, row.arm, row.kit_code, "" if row.coil_position is None else row.coil_position])
    return out.getvalue().encode()


def telling_codes(codes: Sequence[tuple[str, str, str]]) -> str | None:
    """Return why kit codes (code, arm, part) give the part away, or None: they name it, or sort by it."""
    for code, arm, part in codes:
        for word in (arm, part):
            if len(word) >= SHORTEST_TELLING_WORD and word.upper() in code:
                told = _("Kit code %(code)s contains the word '%(word)s'. Draw codes that say nothing about the arm.")
                return told % {"code": code, "word": word}
    parts_in_order = [part for part, _same in groupby(part for _kit, _code, part in sorted(codes))]
    if len(codes) >= KITS_THAT_PROVE_AN_ORDER and 1 < len(parts_in_order) == len({part for _kit, _code, part in codes}):
        return _("The kit codes sort by part: whoever knows one kit knows its neighbours. Draw codes at random, or leave the column out.")
    return None


def stratum_problem(stratum: str, *, site: str, condition: str) -> str | None:
    """Return what in a stratum contradicts the record, or None; only the factors `site` and `diagnosis` can be checked.

    A stratum is written as on the list, its factors as `site=N; diagnosis=low_back`.
    """
    for factor in re.split(r"[;,]", stratum):
        name, _equals, value = (word.strip() for word in factor.partition("="))
        on_record = {"site": site, "diagnosis": condition}.get(name)
        if on_record is not None and value != on_record:
            return f"The stratum says {name} '{value}', the record says '{on_record}'. Choose the record's stratum, or correct the record."
    return None


def _table(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return line number and cells of each row; raise InvalidInput for what is no such table."""
    if b"\0" in content:
        raise InvalidInput([Problem("file", _("The list holds zero bytes, so it is no text. Save it as CSV in UTF-8."))])
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        columns = list(reader.fieldnames or [])
        _check_columns(columns)
        return [(reader.line_num, {key: (value or "").strip() for key, value in row.items() if isinstance(value, str)}) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(
            [Problem("file", _("The list cannot be read as CSV in UTF-8: %(error)s. Save it again as such.") % {"error": error})]
        ) from error


def _check_columns(columns: list[str]) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    if missing or unknown or len(set(columns)) < len(columns):
        allowed = ", ".join(COLUMNS)
        raise InvalidInput(
            [
                Problem(
                    "file",
                    _("The first line must name columns out of %(allowed)s, with %(required_columns)s.")
                    % {"allowed": allowed, "required_columns": " and ".join(REQUIRED_COLUMNS)},
                )
            ]
        )


def _row(line: int, cells: dict[str, str], parts: Mapping[str, str], seen: dict[str, int], problems: list[Problem]) -> ListRow:
    """Return one row, adding to `problems` what is wrong with it."""
    stratum, arm, code = cells.get("stratum", ""), cells.get("arm", ""), cells.get("kit_code", "")
    seen[stratum] = seen.get(stratum, 0) + 1
    if arm not in parts:
        problems.append(_cell(line, "arm", arm, f"is no arm of the trial. Use one of: {', '.join(parts) or 'none is defined yet'}"))
    if len(stratum) > LONGEST_STRATUM:
        problems.append(_cell(line, "stratum", stratum[:20], f"is too long. Use at most {LONGEST_STRATUM} characters"))
    if code and not KIT_CODE.fullmatch(code):
        problems.append(_cell(line, "kit_code", code, "is no kit code. Use 3 to 20 capitals, digits or dashes"))
    return ListRow(
        line=line,
        stratum=stratum,
        position=_number(line, "position", cells, problems, 2**31 - 1) or seen[stratum],
        arm=arm,
        kit_code=code,
        coil_position=_number(line, "coil_position", cells, problems, 9),
    )


def _number(line: int, column: str, cells: dict[str, str], problems: list[Problem], largest: int) -> int | None:
    """Return a cell as a whole number from 1 to `largest`, None where it is empty or wrong."""
    text = cells.get(column, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= largest:
        problems.append(_cell(line, column, text, f"is no whole number from 1 to {largest}"))
        return None
    return int(text)


def _repeats(rows: list[ListRow]) -> list[Problem]:
    """Return a problem for each position taken twice in its stratum and each kit code given twice."""
    problems: list[Problem] = []
    places: dict[tuple[str, int], int] = {}
    codes: dict[str, int] = {}
    for row in rows:
        first = places.setdefault((row.stratum, row.position), row.line)
        if first != row.line:
            problems.append(_cell(row.line, "position", str(row.position), f"is on line {first} already. Give each place once"))
        first = codes.setdefault(row.kit_code, row.line) if row.kit_code else row.line
        if first != row.line:
            problems.append(_cell(row.line, "kit_code", row.kit_code, f"is on line {first} already. Give each kit once"))
    return problems


def _kit_problems(rows: list[ListRow], parts: Mapping[str, str]) -> list[Problem]:
    """Return a problem where only some rows have a code, or where codes give parts away."""
    with_code = [row for row in rows if row.kit_code]
    if with_code and len(with_code) < len(rows):
        return [
            Problem("kit_code", _("Some rows have a kit code and some have none. Give all, or leave the column out to have them drawn."))
        ]
    told = telling_codes([(row.kit_code, row.arm, parts.get(row.arm, row.arm)) for row in with_code])
    return [Problem("kit_code", told, "telling")] if told else []


def _cell(line: int, column: str, value: str, wrong: str) -> Problem:
    return Problem(
        f"line {line}, column {column}",
        _("Line %(line)s, column %(column)s: '%(value)s' %(wrong)s.") % {"line": line, "column": column, "value": value, "wrong": wrong},
    )

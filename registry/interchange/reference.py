"""docs/reference/trial-folder.md, made from the tables that the importer reads by."""

from __future__ import annotations

from registry.interchange.table_reader import LARGEST_TABLE, MOST_ROWS
from registry.rules.tables.columns import Column, Kind, Table
from registry.rules.tables.definitions import TABLES
from registry.rules.tables.trial_sections import BASELINE, PLAN, PROTOCOL, SECTIONS, TRIAL

# Written with single brackets; every other section may stand several times.
SINGLE = (TRIAL, PROTOCOL, PLAN, BASELINE)

INTRODUCTION = f"""# The trial folder

Made by `manage.py write_reference` from the tables in `registry/rules/tables`; change those, not this page.

A trial folder is a directory, or a zip of it, with `trial.toml` and any of the CSV tables below. `python3 run.py import_trial DIR`
reads all of it, checks every cell, and writes all or nothing.

- CSV files are UTF-8, with a header; commas or semicolons between cells. Columns may stand in any order; a column that is left
  out, or an empty cell, means the default.
- A table has at most {MOST_ROWS:,} rows and {LARGEST_TABLE // 1024**2} MB, but `pain_scores.csv` as many as there are. A larger
  trial comes in several folders, split by patient.
- Dates are ISO 8601 (`2026-11-19`), times carry an offset (`2026-11-19T19:30:00+01:00`). Numbers take a decimal point or comma.
- In `trial.toml` yes and no are `true` and `false`, and several values stand in brackets: `thresholds = [30, 50]`.
- The same folder again changes nothing. A row with the same key and other content is a correction and needs `--reason`. Rows that
  are absent stay on record and are counted.
- Who imports a new trial becomes its data manager, and its unmasked statistician too if the folder brings `arms.csv` or
  `allocations.csv`: whoever holds those files is unmasked.
"""


def trial_folder_page() -> str:
    """Return the whole page."""
    sections = [_section(f"`[{table.name}]`" if table in SINGLE else f"`[[{table.name}]]`", table) for table in SECTIONS]
    tables = [_section(f"`{table.file}`", table) for table in TABLES]
    return "\n".join([INTRODUCTION, "## trial.toml\n", *sections, "## Tables\n", *tables]).rstrip() + "\n"


def _section(title: str, table: Table) -> str:
    """Return the heading, the sentence and the columns of one table."""
    key = f" Rows are the same row when these agree: {', '.join(f'`{name}`' for name in table.key)}." if table.key else ""
    head = "| name | kind | unit | values | empty means | meaning |\n| --- | --- | --- | --- | --- | --- |"
    lines = "\n".join(_line(column) for column in table.columns)
    return f"### {title}\n\n{table.doc}{key}\n\n{head}\n{lines}\n"


def _line(column: Column) -> str:
    kind = f"list of {column.kind}" if column.many else str(column.kind)
    cells = (f"`{column.name}`", kind, column.unit, _values(column), _empty(column), column.doc)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _values(column: Column) -> str:
    """Return what is allowed, where the kind does not say it."""
    if column.words is not None:
        return ", ".join(f"`{word.value}`" for word in column.words)
    if column.least is not None or column.most is not None:
        if column.most is None:
            return f"{column.least} or more"
        return f"{column.least} to {column.most}" if column.least is not None else f"{column.most} or less"
    return f"up to {column.longest} characters" if column.kind is Kind.TEXT else ""


def _empty(column: Column) -> str:
    """Return what an empty cell means."""
    if column.required:
        return "**required**"
    return column.default_doc or (f"`{column.default}`" if column.default else "not recorded")

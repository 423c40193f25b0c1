"""What a report is made of, as plain values: the page and the PDF are drawn from the same ones."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """What is read, and the number exactly as the snapshot holds it."""

    text: str
    exact: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table; `mark` is its drawing, if the table has any."""

    header: str
    cells: list[Cell]
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first column names the rows. `left` are columns that are read and not compared, from 0."""

    caption: str
    columns: list[str]
    rows: list[Row]
    left: tuple[int, ...] = ()
    axis: str = ""
    axis_label: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure and how it reads aloud."""

    svg: str
    spoken: str


@dataclass(frozen=True)
class Section:
    """One numbered part: the finding, how it was defined, drawing, tables, sentences."""

    key: str
    heading: str
    note: str = ""
    drawing: Drawing | None = None
    tables: list[Table] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Value:
    """One large number, whose it is, and the class that colours it."""

    cell: Cell
    caption: str
    tone: str = ""


@dataclass(frozen=True)
class Block:
    """One part of what is told in a minute."""

    label: str
    values: list[Value]
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Contents:
    """A whole document."""

    language: str
    document: str
    trial: str
    title: str
    subtitle: str
    finding: str
    band: str
    foot: str
    cutoff: str
    notices: list[str]
    blocks: list[Block]
    brief: str
    sections: list[Section]
    appendix: list[Section]
    definitions: list[tuple[str, str]]
    provenance: list[tuple[str, str]]
    checks: list[tuple[str, str]]
    synthetic: bool

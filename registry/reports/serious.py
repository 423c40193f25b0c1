"""The listing of serious adverse events: one line each, never whose it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.utils import formats
from django.utils.translation import gettext as _

from registry.reports.parts import Cell, Row, Table
from registry.selectors.report_payload import ReportPayload, SeriousEvent


def serious_listing(payload: ReportPayload) -> Iterator[Table]:
    """Yield the table of serious events by their first day, with the arm received in closed documents, where there are any to list."""
    conduct = payload["conduct"]
    events = conduct["serious"]
    if not events:
        return
    columns = [_("Event"), _("Start"), _("Grade"), _("Serious because"), _("Related to stimulation"), _("Outcome")]
    by_line = any(event["line"] for event in events)
    if by_line:
        columns.append(_("Received") if conduct["by_arm"] else _("Group"))
    rows = [Row(_named(event), [*_told(event), *([Cell(event["line"])] if by_line else [])]) for event in events]
    left = (3, 4, 5, *((6,) if by_line else ()))
    yield Table(_("Serious adverse events, one line each"), columns, rows, left=left)


def _named(event: SeriousEvent) -> str:
    return f"{event['label']}: {event['words']}" if event["words"] and event["words"] != event["label"] else event["label"]


def _told(event: SeriousEvent) -> list[Cell]:
    return [
        Cell(formats.date_format(date.fromisoformat(event["onset"]), "j M Y"), event["onset"]),
        Cell(str(event["grade"]), str(event["grade"])),
        Cell(", ".join(event["criteria"])),
        Cell(event["relatedness"]),
        Cell(event["outcome"]),
    ]

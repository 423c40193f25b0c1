"""A kept report computed once more from the records as they stood, beside what was issued."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from registry.models import WeeklyReport
from registry.outcomes.disclosure import Disclosure
from registry.reports.contents import contents_of
from registry.reports.earlier import last_closed, last_open
from registry.reports.making import sha256
from registry.reports.page import page_of
from registry.reports.pdf import pdf_of
from registry.reports.snapshot import text_of, week_snapshot
from registry.rules.charter import CharterState
from registry.selectors.report_payload import ReportPayload
from registry.selectors.reports import KeptDocument

# The seals are those of the day it is computed on; what they seal of the week is the same.
_OF_THE_DAY = ("seal", "seal_hash", "closed_seal", "open_sha256")


def differences(report: WeeklyReport, kept: KeptDocument, *, now: datetime) -> list[str]:
    """Name what differs when the report is made again from history: keys of the snapshot, 'html', 'pdf'; nothing if it is equal."""
    closed = kept.document == "closed"
    issued = cast("ReportPayload", json.loads(kept.payload))
    found = week_snapshot(report, now=now, disclosure=_disclosed(issued), known_before=report.made_at)
    payload = found.closed if closed else found.opened
    for key in _OF_THE_DAY:
        if key in issued:
            payload[key] = issued[key]  # type: ignore[literal-required]
    text = text_of(payload)
    if text != kept.payload:
        return list(_changed(cast("dict[str, Any]", json.loads(text)), cast("dict[str, Any]", issued)))
    contents = contents_of(report, payload, sha256(text.encode()), last_closed(report) if closed else last_open(report))
    drawn = {"html": page_of(contents).encode() == kept.html.encode(), "pdf": pdf_of(contents) == kept.pdf}
    return [name for name, same in drawn.items() if not same]


def _disclosed(issued: ReportPayload) -> Disclosure:
    """Return what a document was allowed to disclose when it was made; a decision withdrawn since is enforced where it is read.

    In which weeks the charter's dates let efficacy by arm stand is computed anew.
    """
    charter = CharterState(issued["charter"]["state"]) if "charter" in issued else CharterState.NO_DATES
    decoded, efficacy = bool(issued["trial"]["decoded"]), issued["efficacy"] == "shown"
    return Disclosure(decoded, efficacy, charter, efficacy_by_arm=charter != CharterState.IN_FORCE)


def _changed(now: dict[str, Any], issued: dict[str, Any]) -> Iterator[str]:
    yield from (key for key in sorted(now.keys() | issued.keys()) if now.get(key) != issued.get(key))

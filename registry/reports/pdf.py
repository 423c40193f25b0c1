"""A report as PDF, set by typst: tagged (PDF/UA-1), archivable (PDF/A-2a), and the same bytes for the same contents.

The fonts are those inside the typesetter's package: nothing of the machine's own is looked at.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import structlog
import typst
from django.utils import translation
from django.utils.translation import gettext as _

from registry.reports.contents import creation_time
from registry.reports.parts import Contents

log = structlog.get_logger(__name__)
_TEMPLATE = Path(__file__).resolve().parent / "report.typ"


class PdfFailed(Exception):
    """The typesetter refused the document; a programming error, told in the worker's log."""


def pdf_of(contents: Contents) -> bytes:
    """Return the PDF."""
    try:
        return typst.compile(
            str(_TEMPLATE),
            format="pdf",
            sys_inputs=_inputs(contents),
            ignore_system_fonts=True,
            pdf_standards=["ua-1", "a-2a"],
            timestamp=int(creation_time(contents).timestamp()),
        )
    except typst.TypstError as error:
        # It speaks of the template. Other texts of errors are not logged, for they may quote a record.
        log.error("typesetter_refused", reason=error.message.strip().partition("\n")[0][:200])
        raise PdfFailed(str(error)) from error


def _inputs(contents: Contents) -> dict[str, str]:
    with translation.override(contents.language):
        at = creation_time(contents)
        created = {name: getattr(at, name) for name in ("year", "month", "day", "hour", "minute", "second")}
        return {"report": json.dumps({**asdict(contents), "created": created, "words": _words()}, ensure_ascii=False)}


def _words() -> dict[str, str]:
    """Return the words of the frame."""
    return {
        "page": _("Page"),
        "of": _("of"),
        "brief": _("In one minute"),
        "definitions": _("Definitions"),
        "provenance": _("Where this comes from, and how to check it"),
        "appendix": _("Appendix: every number of the outcome"),
        "synthetic": _("Demonstration data: every patient in this trial is synthetic"),
    }

"""Parts of pages as tags, loaded into every template: icon, chip, field, choices, error_summary, region, pager; number filters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.selectors.voidings import Voiding
from web.static_packages import PLOTLY_MAP_STYLE_ID, PLOTLY_SCRIPT

ISO_DAY = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")

register = template.Library()


@register.inclusion_tag("_components/icon.html")
def icon(name: str, tone: str = "") -> dict[str, str]:
    """Draw one symbol of the sprite; it is decoration, the word beside it says the same."""
    return {"name": name, "tone": tone}


@register.inclusion_tag("_components/chip.html")
def chip(text: object, tone: str = "", name: str = "") -> dict[str, object]:
    """Draw a status as colour, icon and word."""
    return {"text": text, "tone": tone, "name": name}


@register.inclusion_tag("_components/field.html")
def field(bound: BoundField, *, extra: str = "", was: object = "", hide_optional: bool = False) -> dict[str, object]:
    """Draw label, hint, error and control, tied together for screen readers by Django's own ids."""
    return {"field": bound, "control": bound.as_widget(), "extra": extra, "was": was, "hide_optional": hide_optional}


@register.inclusion_tag("_components/choices.html")
def choices(
    bound: BoundField, *, layout: str = "opts", low_end: str = "", high_end: str = "", was: object = "", hide_optional: bool = False
) -> dict[str, object]:
    """Draw a question with radio buttons as a fieldset; `layout` is opts, 'opts down' or nrs."""
    described_by = [f"{bound.auto_id}_helptext"] if bound.help_text else []
    described_by += [f"{bound.auto_id}_error"] if bound.errors else []
    return {
        "field": bound,
        "layout": layout,
        "low_end": low_end,
        "high_end": high_end,
        "was": was,
        "hide_optional": hide_optional,
        "described_by": " ".join(described_by),
    }


@register.inclusion_tag("_components/was.html")
def was(bound: BoundField) -> dict[str, object]:
    """Leave the place where a form of a correction says what stood on record; filled while the answer differs from it."""
    marks = getattr(bound.form, "was", None)
    return {"marked": marks is not None, "name": bound.html_name, "was": (marks or {}).get(bound.html_name, "")}


@dataclass(frozen=True)
class SummaryLine:
    """One entry of the error summary: the message and the control it leads to."""

    target: str
    message: str


@register.inclusion_tag("_components/error_summary.html")
def error_summary(form: BaseForm | str) -> dict[str, object]:
    """List what is wrong with a form, each entry a link to its control; a page without a form gives an empty string."""
    if not isinstance(form, BaseForm):
        return {"form": None, "problems": []}
    lines = [
        SummaryLine(target_of(form[name]), str(message))
        for name, messages in form.errors.items()
        if name in form.fields
        for message in messages
    ]
    return {"form": form, "problems": lines}


@register.inclusion_tag("_components/error_summary.html")
def error_summaries(forms: list[BaseForm]) -> dict[str, object]:
    """List what is wrong with several forms of one page as if they were one."""
    shown = [error_summary(form) for form in forms if form.errors]
    above = [str(message) for form in forms for message in form.non_field_errors()]
    return {"form": {"errors": bool(shown), "non_field_errors": above}, "problems": [line for one in shown for line in one["problems"]]}  # type: ignore[attr-defined]


def target_of(bound: BoundField) -> str:
    """Return the id an error leads to: the control, or the first button of a group."""
    return bound.id_for_label or f"{bound.auto_id}_0"


@register.inclusion_tag("_components/voiding.html")
def voiding(found: Mapping[Any, Voiding] | str, row: object) -> dict[str, object]:
    """Say when a voided row of a list was voided, and by whom and why as far as the reader may know."""
    return {"voiding": found.get(row) if isinstance(found, Mapping) else None}


@register.inclusion_tag("_components/pager.html")
def pager(rows: Any, label: str) -> dict[str, object]:  # any slice with the fields of web.paging.Page
    """Say which rows are shown and lead to the previous and next ones."""
    return {"rows": rows, "label": label}


@register.simple_block_tag(end_name="endregion")
def region(content: SafeString, label: str) -> str:
    """Wrap a wide table into a named region that keyboards can scroll."""
    return render_to_string("_components/region.html", {"content": content, "label": label})


@register.filter
def plain(value: Decimal | None) -> str:
    """Write a decimal without trailing zeros: 7 for 7.000000, 3.5 for 3.500000."""
    return "" if value is None else f"{value.normalize():f}".replace("-", "\u2212")


@register.filter
def thin(value: int) -> str:
    """Write a whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u2009")


@register.filter
def day(value: date | None) -> str:
    """Write a day as 'Thu 19 Nov 2026'; nothing for none."""
    return "" if value is None else formats.date_format(value, "DATE_FORMAT")


@register.filter
def short_day(value: date | None) -> str:
    """Write a day as '19 Nov 2026', where the weekday would only crowd."""
    return "" if value is None else formats.date_format(value, "SHORT_DATE_FORMAT")


@register.filter
def moment(value: datetime | None) -> str:
    """Write an instant on the clock of the trial: 'Thu 19 Nov 2026, 14:05'."""
    return "" if value is None else formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")


@register.filter
def readable_days(text: object) -> str:
    """Rewrite ISO days inside a sentence of the domain as people read them."""
    return ISO_DAY.sub(lambda found: day(date.fromisoformat(found.group())), str(text))


@register.simple_tag
def plotly_script() -> SafeString:
    """Load the bundle, with the id that keeps its map library from inserting a style element."""
    return format_html('<script defer id="{}" src="{}"></script>', PLOTLY_MAP_STYLE_ID, static(PLOTLY_SCRIPT))

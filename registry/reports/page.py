"""A report as one HTML page that needs nothing else: stylesheet and drawings inside, no script."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.template import Context, Engine
from django.utils import translation
from django.utils.safestring import mark_safe

from registry.reports.parts import Contents

_HERE = Path(__file__).resolve().parent


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(_HERE)], libraries={"i18n": "django.templatetags.i18n"}, autoescape=True)


@cache
def _css() -> str:
    return (_HERE / "page.css").read_text().strip()


def page_of(contents: Contents) -> str:
    """Return the page; the same contents give the same bytes."""
    with translation.override(contents.language):
        # Our own file, read whole; nothing anybody typed.
        context = Context({"report": contents, "css": mark_safe(_css())})  # noqa: S308
        return str(_engine().get_template("page.html").render(context))

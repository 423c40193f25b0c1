"""The outcome dashboard, open and closed: figures of the stored snapshot and their rows to download. Nothing is computed here."""

from __future__ import annotations

import csv
import hashlib
from datetime import datetime
from functools import cache as once
from io import StringIO
from pathlib import Path

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_safe

from registry.exceptions import NotFound
from registry.roles import Permission
from registry.selectors.charter import look_ahead
from registry.selectors.figures import Figure, cut_of, figures_of
from registry.selectors.missing_values import may_list_missing
from registry.selectors.outcomes import StoredOutcomes, latest_closed, latest_open
from registry.services.acts import log_act
from registry.vocabulary import Act
from web.kept_pages import kept_as
from web.requests import TrialRequest, in_trial

ROOT = Path(__file__).resolve().parent.parent
# How long a drawn-up part is kept after it was last made; a new snapshot has a key of its own.
KEPT_S = 7 * 24 * 3600
# What decides how a snapshot is laid out: part of the key, so that a new version of the registry lays it out anew.
LAID_OUT_BY = ("registry/selectors/figures", "templates/dashboard")


@kept_as(Act.OUTCOMES_READ)
@require_safe
@in_trial("outcomes", Permission.OUTCOMES_OPEN)
def dashboard(request: TrialRequest) -> HttpResponse:
    """Show the open figures: everybody together, or, while the masked team may not see response, recruitment and completeness."""
    stored = latest_open(request.trial)
    log_act(Act.OUTCOMES_READ, by=request.user, trial=request.trial, target=target(stored))
    facts = {**state(request, stored), "may_see_closed": request.user.can(Permission.OUTCOMES_CLOSED, trial=request.trial)}
    if stored is not None and stored.is_present_format:
        facts["figures"] = kept_figures(request, stored)
    return render(request, "dashboard/open.html", facts)


@require_safe
@conditional_page
@in_trial("closed", Permission.OUTCOMES_CLOSED)
def dashboard_closed(request: TrialRequest) -> HttpResponse:
    """Show the figures by arm, by letter until the trial is decoded; the reading is recorded and nothing of it is kept outside."""
    stored = latest_closed(request.trial, by=request.user)
    log_act(Act.CLOSED_OUTCOMES_READ, by=request.user, trial=request.trial, target=target(stored))
    facts = {**state(request, stored), "ahead": look_ahead(request.trial, now=timezone.now())}
    if stored is not None and stored.is_present_format:
        facts["figures"] = laid_out(request, stored, "dashboard_closed_csv")
    return render(request, "dashboard/closed.html", facts)


@require_safe
@conditional_page
@in_trial("outcomes", Permission.OUTCOMES_OPEN)
def dashboard_csv(request: TrialRequest, figure: str) -> HttpResponse:
    """Send the rows behind an open figure, every number as the snapshot holds it."""
    stored = latest_open(request.trial)
    log_act(Act.OUTCOMES_READ, by=request.user, trial=request.trial, target=target(stored), figure=figure)
    return rows_of(request, stored, figure)


@require_safe
@conditional_page
@in_trial("closed", Permission.OUTCOMES_CLOSED)
def dashboard_closed_csv(request: TrialRequest, figure: str) -> HttpResponse:
    """Send the rows behind a closed figure; the reading is recorded."""
    stored = latest_closed(request.trial, by=request.user)
    log_act(Act.CLOSED_OUTCOMES_READ, by=request.user, trial=request.trial, target=target(stored), figure=figure)
    return rows_of(request, stored, figure)


def target(stored: StoredOutcomes | None) -> str:
    """Return which snapshot was read, for the act log."""
    return f"snapshot {stored.number}" if stored else "no snapshot yet"


def state(request: TrialRequest, stored: StoredOutcomes | None) -> dict[str, object]:
    """Return what the page says about the snapshot itself."""
    if stored is None or not stored.is_present_format:
        return {"payload": None, "is_older": stored is not None}
    cutoff = datetime.fromisoformat(stored.payload["cutoff"])
    return {"stored": stored, "payload": stored.payload, "cutoff": cutoff, "withheld": not shows_efficacy(stored)}


def shows_efficacy(stored: StoredOutcomes) -> bool:
    """Tell whether response is in what was read: an open document was read as it may be shown now."""
    return stored.payload["efficacy"] == "shown"


def kept_figures(request: TrialRequest, stored: StoredOutcomes) -> str:
    """Return the open figures as laid out before for this snapshot, else lay them out and keep them."""
    may_list = may_list_missing(request.user, request.trial)
    key = (stored.sha256, asked_cut(request, stored), may_list, get_language(), layout_version())
    name = "dashboard:" + hashlib.sha256(repr(key).encode()).hexdigest()
    kept: str | None = cache.get(name)
    if kept is None:
        kept = laid_out(request, stored, "dashboard_csv", may_list=may_list)
        cache.set(name, kept, KEPT_S)
    return kept


def laid_out(request: TrialRequest, stored: StoredOutcomes, download: str, *, may_list: bool = False) -> str:
    """Return the figures as markup; with links to the patients behind their cells for who may list them."""
    facts = {"trial": request.trial.slug, "download": download, "thresholds": _("Threshold"), "may_list": may_list}
    return render_to_string("dashboard/figures.html", {"figures": figures_in(request, stored), **facts})


def figures_in(request: TrialRequest, stored: StoredOutcomes) -> list[Figure]:
    """Return the figures the reader may see, at the asked threshold."""
    return figures_of(stored.payload, cut=asked_cut(request, stored))


def asked_cut(request: TrialRequest, stored: StoredOutcomes) -> int:
    """Return the threshold of the address."""
    return cut_of(stored.payload, request.GET.get("cut", ""))


@once
def layout_version() -> str:
    """Return a digest of what lays figures out."""
    paths = sorted(path for folder in LAID_OUT_BY for path in (ROOT / folder).glob("*.*"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def rows_of(request: TrialRequest, stored: StoredOutcomes | None, key: str) -> HttpResponse:
    """Return a figure's rows as CSV; a figure that is not shown is not there."""
    figures = figures_in(request, stored) if stored is not None and stored.is_present_format else []
    figure = next((one for one in figures if one.key == key), None)
    if figure is None or stored is None:
        raise NotFound(_("There is no such figure."))
    text = StringIO()
    columns = list(dict.fromkeys(name for record in figure.records for name in record))
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(figure.records)
    name = f"{request.trial.slug}-{stored.payload['document']}-{figure.key}-{stored.number}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)

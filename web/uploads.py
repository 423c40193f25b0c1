"""Bringing a trial folder in: the file, the report of its check, the word that imports it. What is in it no page shows again."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.exceptions import ImportRefused, InvalidInput, NotAllowed, NotFound
from registry.interchange.trial_folder import BY_PAGE, open_folder
from registry.models import Trial, TrialUpload, User
from registry.roles import Permission
from registry.selectors.uploads import UploadPage, own_uploads, upload_page, upload_visible_to
from registry.services.uploads import KEPT_FOR, Arrived, confirm_upload, discard_upload, receive_upload
from registry.upload_files import PROBLEM_COLUMNS, all_problems, read_problems
from web.paging import asked_page, pager
from web.private_files import receive_privately
from web.requests import SignedInRequest, see_other
from web.trial_settings.forms import sent

PROBLEMS_SHOWN = 50


class FolderForm(forms.Form):
    """The zip of a trial folder."""

    use_required_attribute = False
    folder = forms.FileField(
        label=gettext_lazy("Trial folder as a zip"),
        help_text=gettext_lazy("trial.toml and its tables. It is checked first; nothing is written before you have seen what was found."),
        error_messages={"required": gettext_lazy("Choose a file."), "empty": gettext_lazy("The file is empty. Choose the zip.")},
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )


class ConfirmForm(forms.Form):
    """Why the folder is imported."""

    use_required_attribute = False
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Stands in the history beside every row it adds or changes. No names: everybody in the trial may read it."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "maxlength": 500}),
    )


@csrf_exempt  # the token is looked for in take_folder, once it is said where the file may go
@require_http_methods(["GET", "HEAD", "POST"])
def upload_new(request: SignedInRequest) -> HttpResponse:
    """Take the folder of a trial that is not there yet, or of any that the person may import into."""
    request.user.check_can(Permission.TRIAL_CREATE)
    return take_folder(request, None, new_page) if request.method == "POST" else new_page(request, FolderForm())


def new_page(request: SignedInRequest, form: FolderForm) -> HttpResponse:
    """Show the form and what the person brought before."""
    context = {"form": form, "uploads": own_uploads(request.user)}
    return render(request, "uploads/new.html", context, status=400 if form.errors else 200)


def take_folder(request: Any, trial: Trial | None, show: Callable[[Any, FolderForm], HttpResponse]) -> HttpResponse:
    """Receive the file where nobody else can read it; keep it and lead on to its page, or show the form with what is wrong."""
    is_too_large = receive_privately(request)

    def view(request: Any) -> HttpResponse:
        form = FolderForm(request.POST, request.FILES)
        upload = stored(form, request.user, trial, too_large=is_too_large())
        return show(request, form) if upload is None else see_other(reverse("upload", args=[upload.uuid]))

    return csrf_protect(view)(request)  # reads the form, so not before the handler is in its place


def stored(form: FolderForm, by: User, trial: Trial | None, *, too_large: bool) -> TrialUpload | None:
    """Keep the file, or put into the form why not."""
    if too_large:
        limit = settings.LARGEST_UPLOAD_BYTES // 10**6
        form.errors["folder"] = form.error_class(
            [_("The file is larger than %(n)d MB: ask who runs the registry to import it there.") % {"n": limit}]
        )
    if form.errors or not form.is_valid():
        return None
    try:
        return receive_upload(looked_into(form.cleaned_data["folder"]), by=by, now=timezone.now(), trial=trial)
    except (ImportRefused, NotAllowed) as refusal:
        form.add_error("folder", refusal.sentence)
        return None


def looked_into(file: TemporaryUploadedFile) -> Arrived:
    """Return what a first look shows of a file: that it is a zip nobody need fear, whose trial, and whether arms are in it."""
    path = Path(file.temporary_file_path())
    with open_folder(path, name=str(file.name), limits=BY_PAGE) as folder:
        return Arrived(path, str(file.name), folder.slug(), folder.is_concealed)


@require_safe
def upload(request: SignedInRequest, record: UUID) -> HttpResponse:
    """Show how far one's own upload is, what was found in it, and the word that imports it."""
    return upload_response(request, upload_visible_to(request.user, record), ConfirmForm())


def upload_response(request: SignedInRequest, row: TrialUpload, form: ConfirmForm) -> HttpResponse:
    """Show an upload with its confirmation form."""
    if row.trial is not None:
        request.trial, request.section = row.trial, "data"  # type: ignore[attr-defined]  # what the page's frame goes by
    with timezone.override(row.trial.zone if row.trial is not None else UTC):
        context = {**facts(request, upload_page(row, request.user)), "form": form}
        return render(request, "uploads/upload.html", context, status=400 if form.errors else 200)


def facts(request: HttpRequest, found: UploadPage) -> dict[str, object]:
    """Return what the page shows of an upload: its counts, and one page of its problems."""
    kept = int(found.report.get("kept_problems", 0))
    page = min(max(asked_page(request), 1), max(1, -(-kept // PROBLEMS_SHOWN)))
    return {
        "found": found,
        "upload": found.upload,
        "problems": read_problems(found.upload.uuid, (page - 1) * PROBLEMS_SHOWN, PROBLEMS_SHOWN) if kept else [],
        "kept": kept,
        "pager": pager(request.GET, page=page, size=PROBLEMS_SHOWN, total=kept),
        "totals": {name: sum(table[name] for table in found.tables) for name in ("new", "corrected", "unchanged", "absent")},
        "days": KEPT_FOR.days,
    }


@require_safe
def upload_problems(request: SignedInRequest, record: UUID) -> HttpResponseBase:
    """Send every problem that was found, as CSV."""
    row = upload_visible_to(request.user, record)
    if not (upload_page(row, request.user).report.get("kept_problems")):
        raise NotFound(_("Nothing is kept of this upload."))
    writer = csv.writer(Line())
    lines = ([shielded(problem[name]) for name in PROBLEM_COLUMNS] for problem in all_problems(row.uuid))
    text = (writer.writerow(line) for line in chain([PROBLEM_COLUMNS], lines))
    headers = {"Content-Disposition": 'attachment; filename="problems.csv"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


class Line:
    """A file whose writing hands the text back."""

    def write(self, text: str) -> str:
        return text


def shielded(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: it may hold whatever the file did."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


@require_POST
def upload_confirm(request: SignedInRequest, record: UUID) -> HttpResponse:
    """Import the folder as it was checked."""
    row = upload_visible_to(request.user, record)
    form = ConfirmForm(sent(request))
    try:
        confirm_upload(row, reason=form.data.get("reason", ""), by=request.user)
    except InvalidInput as refusal:
        for problem in refusal.problems:
            form.add_error("reason", problem.message)
        return upload_response(request, row, form)
    return see_other(reverse("upload", args=[record]))


@require_POST
def upload_discard(request: SignedInRequest, record: UUID) -> HttpResponse:
    """Let the upload go."""
    row = upload_visible_to(request.user, record)
    discard_upload(row, now=timezone.now())
    messages.success(request, _("The upload was discarded and its file removed. Nothing was imported."))
    return see_other(reverse("trial_data", args=[row.trial.slug]) if row.trial else reverse("upload_new"))

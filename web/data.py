"""A trial's data, in and out: folders that were brought, and folders to take away."""

from __future__ import annotations

from uuid import UUID

from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.roles import Permission
from registry.selectors.uploads import export_visible_to, exports_of, uploads_of
from registry.services.exports import KEPT_FOR, hand_out, request_export
from web.requests import SignedInRequest, TrialRequest, in_trial, see_other
from web.uploads import FolderForm, take_folder


@csrf_exempt  # the token is looked for in take_folder, once it is said where the file may go
@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("data", Permission.TRIAL_VIEW)
def trial_data(request: TrialRequest) -> HttpResponse:
    """Show what came in and what can be taken away; take a folder of this trial."""
    if request.method == "POST":
        request.user.check_can(Permission.IMPORT, trial=request.trial)
        return take_folder(request, request.trial, data_page)
    if not request.user.can(Permission.IMPORT, trial=request.trial):
        request.user.check_can(Permission.EXPORT, trial=request.trial)
    return data_page(request, FolderForm())


def data_page(request: TrialRequest, form: FolderForm) -> HttpResponse:
    """Show the page with its form."""
    held = request.user.permissions_in(request.trial)
    context = {
        "form": form,
        "may_import": Permission.IMPORT in held,
        "may_export": Permission.EXPORT in held,
        "brings_arms": Permission.ALLOCATION_MANAGE in held,
        "takes_arms": Permission.ALLOCATION_REVEAL in held,
        "uploads": uploads_of(request.trial, request.user) if Permission.IMPORT in held else [],
        "exports": exports_of(request.trial, request.user) if Permission.EXPORT in held else [],
        "days": KEPT_FOR.days,
    }
    return render(request, "data/page.html", context, status=400 if form.errors else 200)


@require_POST
@in_trial("data", Permission.EXPORT)
def export_make(request: TrialRequest) -> HttpResponse:
    """Have the folder made that the person may take away."""
    request_export(request.trial, by=request.user, now=timezone.now())
    return see_other(reverse("trial_data", args=[request.trial.slug]) + "#take")


@require_safe
def export_download(request: SignedInRequest, record: UUID) -> FileResponse:
    """Hand out one's own export; the taking is recorded."""
    export = export_visible_to(request.user, record)
    path = hand_out(export, by=request.user)
    name = f"{export.trial.slug}-{export.requested_at:%Y-%m-%d}.zip"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, headers={"Cache-Control": "private, no-store"})

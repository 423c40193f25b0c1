"""Trial folders taken away by the browser: asked for here, made by the worker, kept for a week."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from registry import upload_files
from registry.exceptions import Conflict, NotFound
from registry.models import Trial, TrialExport, User
from registry.roles import ROLES, Permission, Role
from registry.services.acts import log_act
from registry.services.jobs import request_own_job
from registry.vocabulary import Act, ExportState, JobKind

KEPT_FOR = timedelta(days=7)


def request_export(trial: Trial, *, by: User, now: datetime) -> TrialExport:
    """Have what the person may see of a trial made into a zip; raise NotAllowed without the right to export.

    Whether it holds allocations is decided now, by the person's right to see them, and asked again when it is handed out.
    """
    by.check_can(Permission.EXPORT, trial=trial)
    concealed = by.can(Permission.ALLOCATION_REVEAL, trial=trial)
    with transaction.atomic():
        export = TrialExport.objects.create(
            trial=trial, requested_by=by, requested_at=now, concealed=concealed, job=request_own_job(JobKind.EXPORT, by=by)
        )
        export.refresh_from_db(fields=["uuid"])
    return export


def hand_out(export: TrialExport, *, by: User) -> Path:
    """Return where the zip lies, and note that it is taken.

    Raises NotAllowed for a right given up since, NotFound once it is gone, Conflict where the person may see more or less by now.
    """
    by.check_can(Permission.EXPORT, trial=export.trial)
    if export.concealed:
        by.check_can(Permission.ALLOCATION_REVEAL, trial=export.trial)
    path = upload_files.zip_of_export(export.uuid)
    if export.state != ExportState.READY or not path.exists():
        raise NotFound("This export is not there any more.")
    if export.made_under != rights_digest(by, export.trial):
        raise Conflict("Your roles, or what they show, changed since this export was made. Make it again.")
    log_act(Act.EXPORT, by=by, trial=export.trial, target=export.trial.slug, with_allocations=export.concealed, downloaded=True)
    return path


def rights_digest(user: User, trial: Trial) -> str:
    """Return a digest of what decides which rows and cells of a trial a person may see: memberships, roles, the trial's own word."""
    held = [(row.trial_id, row.site_id, row.role) for row in user.current_memberships() if row.trial_id in (None, trial.pk)]
    shown = [(*place, *_shown_by(ROLES[place[-1]])) for place in sorted(set(held), key=repr)]
    return hashlib.sha256(repr((shown, trial.shows_efficacy)).encode()).hexdigest()


def _shown_by(role: Role) -> tuple[object, ...]:
    return sorted(role.permissions), role.masked, role.cares_for_patients, role.reads_free_text


def finish_export(export: TrialExport, state: ExportState, **changes: object) -> bool:
    """Say what became of an export that was being made; tell whether it still was."""
    return bool(TrialExport.objects.filter(pk=export.pk, state=ExportState.MAKING).update(state=state, **changes))


def tidy_exports(now: datetime) -> None:
    """Remove exports that were kept long enough, and what a killed worker left of others."""
    old = now - KEPT_FOR
    states = (ExportState.READY, ExportState.MAKING)
    TrialExport.objects.filter(state__in=states, requested_at__lt=old).update(state=ExportState.EXPIRED)
    wanted = {str(uuid) for uuid in TrialExport.objects.filter(state__in=states).values_list("uuid", flat=True)}
    for directory in upload_files.left_in(upload_files.place_of_exports()):
        if directory.name not in wanted and upload_files.age_of(directory, now) > timedelta(hours=1):
            upload_files.drop(directory)

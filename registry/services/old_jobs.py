"""Jobs that were done long ago are removed: their row says who asked when, which the change history and the act log keep as well."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from registry.models import Job, TrialExport, TrialUpload
from registry.vocabulary import JobState


def tidy_jobs(now: datetime) -> int:
    """Remove jobs that ended long enough ago and return how many.

    A failure that no later job of its kind and trial has taken over stands on the status page, and stays longer; work that still waits
    is asked for again once it is gone. Of those that were done the last of a kind in a trial stays, since the next one is judged by it;
    so do all that an upload or an export names.
    """
    later = Job.objects.filter(kind=OuterRef("kind"), trial=OuterRef("trial"), pk__gt=OuterRef("pk"))
    settled = Exists(later) | Q(trial=None, state=JobState.DONE)
    old = settled & Q(finished_at__lt=now - settings.JOBS_KEPT_FOR)
    given_up = Q(state=JobState.FAILED, finished_at__lt=now - settings.FAILED_JOBS_KEPT_FOR)
    ended = Job.objects.filter(old | given_up, state__in=[JobState.DONE, JobState.FAILED])
    named = [Exists(model.objects.filter(job=OuterRef("pk"))) for model in (TrialUpload, TrialExport)]
    removed, _ = ended.exclude(named[0] | named[1]).delete()
    return removed

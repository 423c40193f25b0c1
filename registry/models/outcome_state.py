"""What SQL says of a trial's outcomes beside the snapshot itself: one text for the page that is drawn and for the page sent again."""

from __future__ import annotations

from registry.vocabulary import JobKind, JobState


def checked_at(trial: str) -> str:
    """Return the expression of when a refresh last found nothing to change or made a snapshot; `trial` is SQL for its number."""
    return f"""(SELECT finished_at FROM registry_job
        WHERE trial_id = {trial} AND kind = '{JobKind.REFRESH}' AND state = '{JobState.DONE}' ORDER BY id DESC LIMIT 1)"""


def is_waiting(trial: str) -> str:
    """Return the expression of whether changes wait for a refresh."""
    return f"EXISTS (SELECT FROM registry_stalemark WHERE trial_id = {trial})"


def failure(trial: str) -> str:
    """Return the expression of why the last refresh did not come about, empty where it did."""
    return f"""coalesce((SELECT CASE WHEN state = '{JobState.FAILED}' THEN failure END FROM registry_job
        WHERE trial_id = {trial} AND kind = '{JobKind.REFRESH}' AND state <> '{JobState.QUEUED}' ORDER BY id DESC LIMIT 1), '')"""

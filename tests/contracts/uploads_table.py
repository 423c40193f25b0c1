"""The part of the permission table about files: folders brought, their reports, folders taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.contracts.rows import EVERYBODY, NO_RIGHT, NOBODY, NOT_THERE, Row
from tests.contracts.scene import SLUG
from tests.contracts.scene_uploads import OWN, TO_TAKE, WITH_ARMS

ADMINISTRATORS = frozenset({"administrator"})
BRING = frozenset({"administrator", "data_manager", "unmasked_statistician"})
TAKE = frozenset({"data_manager", "principal_investigator", "researcher", "unmasked_statistician"})
TRIAL = {"trial": SLUG}


def of_own(route: str, owner: str, record: Any, method: str = "GET", **more: Any) -> Row:
    """Return a row about a file of one person, which for everybody else is not there."""
    row = Row(route, method, frozenset({owner}), {"record": record}, refused=NOT_THERE, stranger=NOT_THERE, whole_trial=True)
    return replace(row, **more)


def of_nobody(route: str, record: Any, note: str) -> Row:
    """Return a row about a file that nobody can have any more."""
    return Row(route, roles=NOBODY, kwargs={"record": record}, hidden=EVERYBODY, elsewhere=NOT_THERE, stranger=NOT_THERE, note=note)


UPLOADS_TABLE: tuple[Row, ...] = (
    Row("upload_new", roles=ADMINISTRATORS, elsewhere=NO_RIGHT, stranger=NO_RIGHT),
    Row("upload_new", "POST", ADMINISTRATORS, allowed=400, elsewhere=NO_RIGHT, stranger=NO_RIGHT, note="no file chosen"),
    Row("trial_data", roles=BRING | TAKE, kwargs=TRIAL, stranger=NOT_THERE),
    Row("trial_data", "POST", BRING, TRIAL, allowed=400, elsewhere=400, stranger=NOT_THERE, note="no file chosen"),
    Row("export_make", "POST", TAKE, TRIAL, allowed=303, elsewhere=303, stranger=NOT_THERE, writes=True),
    of_own("upload", "data_manager", OWN),
    of_own("upload", "unmasked_statistician", WITH_ARMS, note="with arms"),
    of_own("upload_confirm", "data_manager", OWN, "POST", data={"reason": "the week's diaries"}, allowed=303, writes=True),
    of_own("upload_confirm", "data_manager", OWN, "POST", data={"reason": ""}, allowed=400, note="without a reason"),
    of_own("upload_discard", "data_manager", OWN, "POST", allowed=303, writes=True),
    of_own("upload_discard", "unmasked_statistician", WITH_ARMS, "POST", allowed=409, note="imported already"),
    of_nobody("upload_problems", OWN, "nothing is kept"),
    of_nobody("export_download", TO_TAKE, "its file is gone"),
)

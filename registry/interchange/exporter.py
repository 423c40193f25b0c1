"""Writing a trial as a folder in canonical form: every cell explicit, every table sorted, so that equal records give equal bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections, transaction

from registry.closed_room import CLOSED_ALIAS, open_closed_room
from registry.exceptions import Conflict, NotFound
from registry.interchange.export_queries import QUERIES
from registry.interchange.export_query import ExportQuery
from registry.interchange.record_scopes import written_scopes
from registry.models import Trial, User
from registry.roles import Permission
from registry.rules.tables.section_reader import TRIAL_FILE
from registry.rules.tables.trial_toml import write_trial
from registry.services.acts import log_act
from registry.services.trial_records import definition_of
from registry.vocabulary import Act


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written, and how many rows it holds under its header."""

    name: str
    rows: int


def take_out(slug: str, target: Path, *, by: User, with_allocations: bool = True) -> list[ExportedFile]:
    """Write what the person may see of a trial into a new directory and return its files.

    Without the right to see allocations, or where they are not wanted, arms.csv and allocations.csv are left out. Raises NotFound for
    a trial the person does not see, NotAllowed without the right to export, Conflict when the directory holds something.
    """
    trial = Trial.objects.visible_to(by).filter(slug=slug).first()
    if trial is None:
        raise NotFound(f"There is no trial '{slug}' among those you can see.")
    by.check_can(Permission.EXPORT, trial=trial)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(f"{target} exists and is not empty. Name a new directory.")
    concealed = with_allocations and by.can(Permission.ALLOCATION_REVEAL, trial=trial)
    # Noted before anything leaves, so that an export that breaks off has been noted too.
    log_act(Act.EXPORT, by=by, trial=trial, target=trial.slug, with_allocations=concealed)
    if concealed:
        with open_closed_room(by=by, permission=Permission.ALLOCATION_REVEAL, trial=trial):
            return _write_folder(trial, target, by=by, using=CLOSED_ALIAS)
    return _write_folder(trial, target, by=by, using="default")


def _write_folder(trial: Trial, target: Path, *, by: User, using: str) -> list[ExportedFile]:
    """Write all files from one state of the database, beside the target first: what stands under its name is whole."""
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with _one_state(using) as cursor:
        (partial / TRIAL_FILE).write_text(write_trial(definition_of(trial, using)), encoding="utf-8", newline="\n")
        files = [ExportedFile(TRIAL_FILE, 0)]
        scopes = written_scopes(cursor, trial, by, using)
        for query in QUERIES:
            if using == CLOSED_ALIAS or not query.table.concealed:
                names = query.names(concealed=using == CLOSED_ALIAS)
                rows = _write_table(cursor, query, names, partial / query.table.file, scopes)
                files += [ExportedFile(query.table.file, rows)] if rows else []
    if target.exists():
        target.rmdir()
    partial.rename(target)
    return files


@contextmanager
def _one_state(using: str) -> Iterator[Any]:
    """Yield a cursor whose every query sees the same state of the database."""
    nested = connections[using].in_atomic_block
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        if not nested:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL work_mem = '256MB'")
        yield cursor


def _write_table(cursor: Any, query: ExportQuery, names: Sequence[str], path: Path, scopes: dict[str, str]) -> int:
    """Stream one table into its file and return the number of its rows; a table without any gets no file."""
    with path.open("wb") as file, cursor.copy(f"COPY ({query.sql(names).format(**scopes)}) TO STDOUT (FORMAT csv)") as copy:
        file.write((",".join(names) + "\n").encode())
        for block in copy:
            file.write(block)
    rows = max(int(cursor.rowcount), 0)
    if not rows:
        path.unlink()
    return rows

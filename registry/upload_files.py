"""Files on their way in or out by the browser: one directory each below the data directory, for the registry's account alone.

They never lie below the web root, and no page hands an uploaded file out again. Web and worker see the same data directory.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

ARRIVING = "arriving"
DIGEST = ".sha256"
FOLDER, REPORT, PROBLEMS = "folder.zip", "report.json", "problems.csv"
PROBLEM_COLUMNS = ("file", "line", "column", "value", "wrong", "right")


def place_of_uploads() -> Path:
    """Return where the directory of what was brought is, or would be."""
    return Path(settings.DATA) / "uploads"


def uploads() -> Path:
    """Return the directory of what was brought, made where it is not there."""
    return private(place_of_uploads())


def place_of_exports() -> Path:
    """Return where the directory of what is to be taken away is, or would be."""
    return Path(settings.DATA) / "exports"


def exports() -> Path:
    """Return the directory of what is to be taken away, made where it is not there."""
    return private(place_of_exports())


def zip_of_export(record: UUID) -> Path:
    """Return the place of an export's zip."""
    return place_of_exports() / str(record) / FOLDER


def arriving() -> Path:
    """Return the directory of files that are still being received."""
    return private(uploads() / ARRIVING)


def left_in(directory: Path) -> list[Path]:
    """Return what lies in a directory of these, nothing where it is not there."""
    return sorted(directory.iterdir()) if directory.is_dir() else []


def age_of(path: Path, now: datetime) -> timedelta:
    """Return for how long a file or directory has been as it is."""
    try:
        return timedelta(seconds=now.timestamp() - path.stat().st_mtime)
    except FileNotFoundError:
        return timedelta()


def private(directory: Path) -> Path:
    """Return a directory, made for its owner alone where it is not there."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def keep(arrived: Path, record: UUID) -> Path:
    """Move a file that has arrived to where its upload's files lie, and return its place."""
    place = private(uploads() / str(record)) / FOLDER
    arrived.chmod(0o600)
    arrived.rename(place)
    return place


def drop_folder(record: UUID) -> None:
    """Remove the file that was brought; what was found in it stays."""
    (place_of_uploads() / str(record) / FOLDER).unlink(missing_ok=True)


def drop(directory: Path) -> None:
    """Remove a directory with all that is in it; one that is gone already is as good."""
    shutil.rmtree(directory, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep_digest(path: Path) -> None:
    """Write the digest of a file beside it, where it goes when the file goes."""
    with open(path.with_suffix(DIGEST), "w", opener=for_owner) as file:
        file.write(sha256_of(path))


def kept_digest(path: Path) -> str:
    """Return the digest kept beside a file, '' where there is none."""
    try:
        return path.with_suffix(DIGEST).read_text()
    except FileNotFoundError:
        return ""


def write_report(directory: Path, report: dict[str, Any], problems: list[Any]) -> None:
    """Write what an upload's check found, in two files that appear whole."""
    unfinished = directory / f"{PROBLEMS}.new"
    with open(unfinished, "w", newline="", encoding="utf-8", errors="replace", opener=for_owner) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PROBLEM_COLUMNS)
        writer.writerows([getattr(problem, name) for name in PROBLEM_COLUMNS] for problem in problems)
    unfinished.rename(directory / PROBLEMS)
    unfinished = directory / f"{REPORT}.new"
    with open(unfinished, "w", opener=for_owner) as file:
        json.dump(report, file)
    unfinished.rename(directory / REPORT)


def for_owner(path: str, flags: int) -> int:
    """Open a file that its owner alone may read."""
    return os.open(path, flags, 0o600)


def read_report(record: UUID) -> dict[str, Any] | None:
    """Return what the check found, None where nothing is kept of it."""
    try:
        found: dict[str, Any] = json.loads((place_of_uploads() / str(record) / REPORT).read_text())
    except FileNotFoundError:
        return None
    return found


def read_problems(record: UUID, first: int, number: int) -> list[dict[str, str]]:
    """Return so many problems from the given one on, counted from 0."""
    return list(islice(all_problems(record), first, first + number))


def all_problems(record: UUID) -> Iterator[dict[str, str]]:
    """Yield every problem that was kept."""
    path = place_of_uploads() / str(record) / PROBLEMS
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)

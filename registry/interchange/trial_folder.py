"""A trial folder: trial.toml and tables, in a directory or a zip. Its texts are read as streams; a zip is never unpacked to disk."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TextIO

from registry.exceptions import ImportRefused
from registry.rules.tables.definitions import TABLES
from registry.rules.tables.problems import FileProblem, name_remedy
from registry.rules.tables.section_reader import TRIAL_FILE

TABLE_FILES = tuple(table.file for table in TABLES)
# A table of four million scores has about 400 MB; a zip that claims more than this is not a trial.
LARGEST_FILE = 4 * 1024**3
LARGEST_ZIP = 8 * 1024**3
MOST_MEMBERS = 100


class TrialFolder:
    """The files of one folder by their names. Use `open_folder`."""

    def __init__(self, name: str, files: dict[str, Path | zipfile.ZipInfo], archive: zipfile.ZipFile | None = None) -> None:
        self.name = name
        self._files = files
        self._archive = archive

    @property
    def names(self) -> list[str]:
        """Return the names of the files in the folder."""
        return sorted(self._files)

    def problems(self) -> list[FileProblem]:
        """Return what is wrong with the folder itself: trial.toml missing, or a table whose name is not known."""
        found = []
        if TRIAL_FILE not in self._files:
            found.append(FileProblem(TRIAL_FILE, 0, "", "", "is missing", "Write it as docs/reference/trial-folder.md shows"))
        for name in self.names:
            if name.lower().endswith((".csv", ".toml")) and name not in (TRIAL_FILE, *TABLE_FILES):
                wrong = "is no file of a trial folder"
                found.append(FileProblem(name, 0, "", "", wrong, name_remedy(name, (TRIAL_FILE, *TABLE_FILES), "table")))
        return found

    @contextmanager
    def text(self, name: str) -> Iterator[TextIO]:
        """Open a file as UTF-8 text; bytes that are none are kept as surrogates, so that their cell can be named."""
        with self._bytes(name) as stream:
            yield io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")

    @contextmanager
    def _bytes(self, name: str) -> Iterator[BinaryIO]:
        found = self._files[name]
        if isinstance(found, Path):
            try:
                with found.open("rb") as stream:
                    yield stream
            except PermissionError as error:
                raise ImportRefused(f"{found} cannot be read: {error.strerror}. Let this account read it.") from error
        elif self._archive is not None:
            with self._archive.open(found) as member:
                yield member  # type: ignore[misc]  # IO[bytes] without the buffer methods that nobody calls


@contextmanager
def open_folder(path: Path) -> Iterator[TrialFolder]:
    """Open a directory or a zip as a trial folder; raise ImportRefused with a sentence for what is neither, or not safe."""
    if path.is_dir():
        yield TrialFolder(path.name, {entry.name: entry for entry in path.iterdir() if entry.is_file()})
    elif not path.exists():
        raise ImportRefused(f"{path} does not exist. Name the directory or zip that holds {TRIAL_FILE}.")
    elif not zipfile.is_zipfile(path):
        raise ImportRefused(f"{path} is neither a directory nor a zip. Name the directory or zip that holds {TRIAL_FILE}.")
    else:
        with zipfile.ZipFile(path) as archive:
            yield TrialFolder(path.stem, checked_members(archive), archive)


def checked_members(archive: zipfile.ZipFile) -> dict[str, Path | zipfile.ZipInfo]:
    """Return a zip's files by name; raise ImportRefused for paths that lead elsewhere, links, encryption and sizes beyond reason."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_MEMBERS:
        raise ImportRefused(f"The zip holds {len(members)} files. Put only {TRIAL_FILE} and the tables into it.")
    for member in members:
        _check_member(member)
    if sum(member.file_size for member in members) > LARGEST_ZIP:
        raise ImportRefused("The zip unpacks to more than 8 GB. Import the folder itself.")
    top = {PurePosixPath(member.filename).parts[:-1] for member in members if PurePosixPath(member.filename).name == TRIAL_FILE}
    inside = min(top, key=len, default=())
    return {PurePosixPath(member.filename).name: member for member in members if PurePosixPath(member.filename).parts[:-1] == inside}


def _check_member(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ImportRefused(f"The zip holds '{member.filename}', a path that leads out of it. Pack the folder anew.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ImportRefused(f"The zip holds '{member.filename}', a link. Pack the files themselves.")
    if member.flag_bits & 0x1:
        raise ImportRefused(f"The zip holds '{member.filename}' under a password. Pack it without one.")
    if member.file_size > LARGEST_FILE:
        raise ImportRefused(f"'{member.filename}' unpacks to more than 4 GB. Import the folder itself.")

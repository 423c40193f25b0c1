"""A trial folder: trial.toml and tables, in a directory or a zip. Its texts are read as streams; a zip is never unpacked to disk."""

from __future__ import annotations

import io
import lzma
import stat
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TextIO

from registry.exceptions import ImportRefused
from registry.interchange.progress import Progress
from registry.rules.tables.definitions import TABLES
from registry.rules.tables.problems import FileProblem, name_remedy
from registry.rules.tables.section_reader import TRIAL_FILE

TABLE_FILES = tuple(table.file for table in TABLES)
CONCEALED_FILES = tuple(table.file for table in TABLES if table.concealed)
LARGEST_TRIAL_FILE = 2 * 1024**2
MOST_MEMBERS = 100
# Tables pack to a tenth or a twentieth. What packs to less than this is made to fill somebody's memory.
MOST_PACKED = 200
# So little does no harm, however it is packed.
HARMLESS = 10 * 1024**2
READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


@dataclass(frozen=True)
class Limits:
    """How much a zip may unpack to, in bytes: one file of it, and all together; and what to do where that is too little."""

    largest_file: int
    largest_zip: int
    instead: str


# A table of four million scores has about 400 MB; a zip that claims more than this is not a trial.
BY_COMMAND = Limits(4 * 1024**3, 8 * 1024**3, "Import the folder itself")
# Whoever may reach a page is more people than whoever may reach the machine.
BY_PAGE = Limits(1024**3, 2 * 1024**3, "Import the folder on the registry's machine, with the command import_trial")


class TrialFolder:
    """The files of one folder by their names. Use `open_folder`."""

    def __init__(
        self,
        name: str,
        files: dict[str, Path | zipfile.ZipInfo],
        archive: zipfile.ZipFile | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.name = name
        self._files = files
        self._archive = archive
        self._progress = progress
        if progress is not None:
            progress.begin({name: self._size(name) for name in (TRIAL_FILE, *TABLE_FILES) if name in files})

    @property
    def names(self) -> list[str]:
        """Return the names of the files in the folder."""
        return sorted(self._files)

    @property
    def is_concealed(self) -> bool:
        """Tell whether the folder brings what belongs into the closed room."""
        return any(name in self._files for name in CONCEALED_FILES)

    def slug(self) -> str:
        """Return the short name that trial.toml gives the trial, '' where it cannot be read."""
        if TRIAL_FILE not in self._files:
            return ""
        with self.text(TRIAL_FILE) as stream:
            try:
                said = tomllib.loads(stream.read())
            except (ValueError, RecursionError):
                return ""
        trial = said.get("trial")
        return str(trial.get("slug", "")) if isinstance(trial, dict) else ""

    def _size(self, name: str) -> int:
        found = self._files[name]
        return found.stat().st_size if isinstance(found, Path) else found.file_size

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
        if name == TRIAL_FILE and self._size(name) > LARGEST_TRIAL_FILE:
            raise ImportRefused(f"{TRIAL_FILE} has more than 2 MB. It describes a trial; its patients and values go into the tables.")
        with self._bytes(name) as stream:
            watched = stream if self._progress is None else self._progress.watched(name, stream)
            yield io.TextIOWrapper(watched, encoding="utf-8-sig", errors="surrogateescape", newline="")

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
def open_folder(path: Path, *, name: str = "", limits: Limits = BY_COMMAND, progress: Progress | None = None) -> Iterator[TrialFolder]:
    """Open a directory or a zip as a trial folder; raise ImportRefused with a sentence for what is neither, or not safe.

    `name` is what people call it, where that is not the path's own.
    """
    if path.is_dir():
        yield TrialFolder(name or path.name, {entry.name: entry for entry in path.iterdir() if entry.is_file()}, progress=progress)
    elif not path.exists():
        raise ImportRefused(f"{path} does not exist. Name the directory or zip that holds {TRIAL_FILE}.")
    elif not zipfile.is_zipfile(path):
        raise ImportRefused(f"{name or path} is neither a directory nor a zip. Name the directory or zip that holds {TRIAL_FILE}.")
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                yield TrialFolder(name or path.stem, checked_members(archive, limits), archive, progress)
        except DAMAGED as error:
            raise ImportRefused("The zip is damaged and cannot be read to its end. Pack the folder anew and bring it again.") from error


def checked_members(archive: zipfile.ZipFile, limits: Limits = BY_COMMAND) -> dict[str, Path | zipfile.ZipInfo]:
    """Return a zip's files by name; raise ImportRefused for paths that lead elsewhere, links, encryption and sizes beyond reason."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_MEMBERS:
        raise ImportRefused(f"The zip holds {len(members)} files. Put only {TRIAL_FILE} and the tables into it.")
    for member in members:
        _check_member(member, limits)
    if sum(member.file_size for member in members) > limits.largest_zip:
        raise ImportRefused(f"The zip unpacks to more than {limits.largest_zip // 1024**3} GB. {limits.instead}.")
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ImportRefused(f"The zip holds '{twice}' twice. Pack the folder anew.")
    top = {PurePosixPath(member.filename).parts[:-1] for member in members if PurePosixPath(member.filename).name == TRIAL_FILE}
    inside = min(top, key=len, default=())
    return {PurePosixPath(member.filename).name: member for member in members if PurePosixPath(member.filename).parts[:-1] == inside}


def _check_member(member: zipfile.ZipInfo, limits: Limits) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ImportRefused(f"The zip holds '{member.filename}', a path that leads out of it. Pack the folder anew.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ImportRefused(f"The zip holds '{member.filename}', a link. Pack the files themselves.")
    if member.flag_bits & 0x1:
        raise ImportRefused(f"The zip holds '{member.filename}' under a password. Pack it without one.")
    if member.compress_type not in READABLE_METHODS:
        raise ImportRefused(f"'{member.filename}' is packed in an unusual way. Pack the folder anew as an ordinary zip.")
    if member.file_size > limits.largest_file:
        raise ImportRefused(f"'{member.filename}' unpacks to more than {limits.largest_file // 1024**3} GB. {limits.instead}.")
    if member.file_size > max(HARMLESS, MOST_PACKED * member.compress_size):
        raise ImportRefused(
            f"'{member.filename}' unpacks to more than {MOST_PACKED} times its size, as no table does. Pack the folder anew."
        )

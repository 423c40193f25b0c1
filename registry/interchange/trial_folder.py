"""A trial folder: trial.toml and tables, in a directory or a zip. Its texts are read as streams; a zip is never unpacked to disk."""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Iterable, Iterator
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
LARGEST_LIST = 1024**2
# Signatures of a zip's end, and how far from the end of the file it can lie: a comment of 64 KB, both ends, the locator.
END, END_64, END_64_LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
LONGEST_END = 2**16 + 22 + 20 + 56
TOO_MANY = f"The zip holds {{count}} files. Put only {TRIAL_FILE} and the tables into it."
# Tables pack to a tenth or a twentieth. What packs to less than this is made to fill somebody's memory.
MOST_PACKED = 200
# So little does no harm, however it is packed.
HARMLESS = 10 * 1024**2
READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, UnicodeDecodeError)


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
        members: Iterable[str] = (),
    ) -> None:
        self.name = name
        # Judged by all there is: a misnamed table of allocations, or one beside the folder, is as telling.
        self._is_concealed = any(
            PurePosixPath(member.replace("\\", "/")).name.casefold() in CONCEALED_FILES for member in (*files, *members)
        )
        self._files = files
        self._archive = archive
        self._progress = progress
        if progress is not None:
            progress.begin({name: self.size(name) for name in (TRIAL_FILE, *TABLE_FILES) if name in files})

    @property
    def names(self) -> list[str]:
        """Return the names of the files in the folder."""
        return sorted(self._files)

    @property
    def is_concealed(self) -> bool:
        """Tell whether the folder brings what belongs into the closed room."""
        return self._is_concealed

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
        slug = str(trial.get("slug", "")) if isinstance(trial, dict) else ""
        # Bytes that are no UTF-8 are surrogates here, which no database holds; the check names them with their line.
        return slug if slug.isascii() else ""

    def size(self, name: str) -> int:
        """Return how many bytes a file has, unpacked."""
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
        if name == TRIAL_FILE and self.size(name) > LARGEST_TRIAL_FILE:
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
            _check_directory(path)
            with zipfile.ZipFile(path) as archive:
                yield TrialFolder(name or path.stem, checked_members(archive, limits), archive, progress, archive.namelist())
        except DAMAGED as error:
            raise ImportRefused("The zip is damaged and cannot be read to its end. Pack the folder anew and bring it again.") from error


def _check_directory(path: Path) -> None:
    """Raise ImportRefused for a zip that says it lists very many files: `ZipFile` reads the whole list before anybody can count."""
    with path.open("rb") as file:
        count, size = _directory_of(file)
    if count > 2 * MOST_MEMBERS or size > LARGEST_LIST:
        raise ImportRefused(TOO_MANY.format(count=count))


def _directory_of(file: BinaryIO) -> tuple[int, int]:
    """Return how many entries a zip's list has and how many bytes, as its end says (APPNOTE 4.3.14 to 4.3.16)."""
    start = max(0, file.seek(0, os.SEEK_END) - LONGEST_END)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) < at + 22:
        return 0, 0  # no zip, which ZipFile says
    count, size = struct.unpack_from("<HL", tail, at + 10)
    if at >= 20 and tail[at - 20 : at - 16] == END_64_LOCATOR:
        file.seek(struct.unpack_from("<Q", tail, at - 12)[0])
        record = file.read(56)
        if len(record) == 56 and record.startswith(END_64):
            count, size = struct.unpack_from("<QQ", record, 32)
    return count, size


def checked_members(archive: zipfile.ZipFile, limits: Limits = BY_COMMAND) -> dict[str, Path | zipfile.ZipInfo]:
    """Return a zip's files by name; raise ImportRefused for paths that lead elsewhere, links, encryption and sizes beyond reason."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_MEMBERS:
        raise ImportRefused(TOO_MANY.format(count=len(members)))
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
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
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

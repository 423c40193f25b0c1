"""How far reading a folder is: rows and bytes of each file, told each time a megabyte was read and whenever a file begins or ends."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

TOLD_EACH = 1024 * 1024


@dataclass
class FileProgress:
    """One file: its size and how much of it was read, in bytes; `rows` counts its lines, `done` that nothing of it is left."""

    size: int
    read: int = 0
    rows: int = 0
    done: bool = False


class Progress:
    """Counts what is read of a folder's files and tells it to whoever wants to know."""

    def __init__(self, tell: Callable[[Mapping[str, FileProgress]], None]) -> None:
        self.files: dict[str, FileProgress] = {}
        self._tell = tell
        self._untold = 0

    def begin(self, sizes: Mapping[str, int]) -> None:
        """Begin a folder, with the size of each file in bytes, in the order in which they are read."""
        self.files = {name: FileProgress(size) for name, size in sizes.items()}
        self._tell(self.files)

    def watched(self, name: str, stream: BinaryIO) -> BinaryIO:
        """Return the stream of a file that is read from its beginning, counted as it is read."""
        if name not in self.files:
            return stream
        file = self.files[name] = FileProgress(self.files[name].size)
        return io.BufferedReader(Watched(stream, file, self._note), TOLD_EACH // 16)

    def _note(self, file: FileProgress, part: bytes) -> None:
        file.read += len(part)
        file.rows += part.count(b"\n")
        file.done = not part
        self._untold += len(part)
        if file.done or self._untold >= TOLD_EACH:
            self._untold = 0
            self._tell(self.files)


class Watched(io.RawIOBase):
    """A stream that notes what is read of it."""

    def __init__(self, stream: BinaryIO, file: FileProgress, note: Callable[[FileProgress, bytes], None]) -> None:
        self._stream, self._file, self._note = stream, file, note

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        part = self._stream.read(len(buffer))
        buffer[: len(part)] = part
        self._note(self._file, part)
        return len(part)

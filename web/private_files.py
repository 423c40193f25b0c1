"""Receiving a file into the data directory: for the registry's account alone, never in memory, cut off where it grows too large."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from registry.upload_files import arriving


class PrivateFile(TemporaryUploadedFile):
    """A file among those that are arriving; closing it removes it unless it was moved."""

    def __init__(self, name: str, content_type: str) -> None:
        # The owner alone may read it: so tempfile makes its files.
        file = tempfile.NamedTemporaryFile(dir=arriving(), suffix=".part")  # noqa: SIM115  (closed with the request)
        UploadedFile.__init__(self, file, name, content_type, 0, None)


class PrivateFileHandler(FileUploadHandler):
    """Writes what arrives to a private file."""

    # Not `file`: the parser would close that itself, also where there is none.
    arriving: PrivateFile | None = None
    too_large = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self.arriving, self.received = PrivateFile(str(self.file_name), str(self.content_type)), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a part of it, or let go of all of it."""
        self.received += len(raw_data)
        if self.received > settings.LARGEST_UPLOAD_BYTES:
            self.too_large = True
            self.upload_interrupted()
            raise StopUpload
        if self.arriving is not None:
            self.arriving.write(raw_data)

    def file_complete(self, file_size: int) -> PrivateFile | None:
        """Hand over what arrived whole."""
        if self.arriving is not None:
            self.arriving.seek(0)
            self.arriving.size = file_size
        return self.arriving

    def upload_interrupted(self) -> None:
        """Remove what arrived so far."""
        if self.arriving is not None:
            self.arriving.close()
            self.arriving = None


def receive_privately(request: HttpRequest) -> Callable[[], bool]:
    """Let the files of a request arrive in the data directory; return what tells afterwards whether one was too large."""
    handler = PrivateFileHandler(request)
    request.upload_handlers = [handler]
    return lambda: handler.too_large

"""The data directory: what lies where in it."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from registry import environment
from registry.embedded.refusals import Refused, refusal


@dataclass(frozen=True)
class Place:
    """A data directory. It belongs to whoever starts the registry; the servers' own parts belong to their account."""

    data: Path

    @property
    def postgresql(self) -> Path:
        return self.data / "postgresql"

    @property
    def valkey(self) -> Path:
        return self.data / "valkey"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def mail(self) -> Path:
        return self.data / "mail"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets.json"

    @property
    def sockets(self) -> Path:
        return environment.socket_directory(self.data)

    @property
    def without_fsync(self) -> Path:
        """A file that marks a throw-away data directory."""
        return self.data / "throw-away"

    def lock(self, name: str) -> Path:
        return self.data / f"{name}.lock"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def prepare(self) -> None:
        """Make the directory and what is private in it, or refuse with the reason."""
        try:
            for directory in (self.data, self.logs, self.mail):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_rights()
        except FileExistsError as error:
            raise Refused(f"{error.filename} is a file and not a directory: name another directory with --data.") from error
        except NotADirectoryError as error:
            raise Refused(f"{error.filename} lies below a file: name another directory with --data.") from error
        except OSError as error:
            raise refusal(error, self.data) from error

    def _check_rights(self) -> None:
        """Raise PermissionError where a file in here belongs to another account."""
        for path in (self.data, self.logs, *self.data.glob("*.lock")):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

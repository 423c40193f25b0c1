"""Work that may break off: whatever ends it, its row says so, and what comes after it goes on."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import structlog

from registry.exceptions import RegistryError

log = structlog.get_logger(__name__)


class MayBreakOff:
    """Keep what ended the work inside as `cause`, in words for its row; an order to the worker to stop goes on outwards.

    Masked people read the row, and an error's own words may come from the closed half: the row gets its kind, the log the place.
    """

    def __init__(self, event: str, what: str, **about: object) -> None:
        self.cause = ""
        self._event, self._what, self._about = event, what, about

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if not isinstance(error, Exception):
            return False
        if isinstance(error, RegistryError):
            self.cause = error.sentence
        else:
            log.error(self._event, exc_info=error, **self._about)
            self.cause = f"{self._what} broke off ({type(error).__name__}). The worker's log says why."
        return True

"""Data directories of their own for tests that start, kill and start again."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry.embedded import sharing
from registry.embedded.place import Place
from tests.embedded.running import kill_all, processes_of


@contextmanager
def data_directory() -> Iterator[Place]:
    """Make a data directory; whatever is left running in it is killed."""
    # Not pytest's tmp_path: rights above the directory are part of what is tested.
    place = Place(Path(tempfile.mkdtemp(prefix="rtms-embedded-")).resolve())
    yield place
    kill_all(processes_of(place))
    shutil.rmtree(place.data, ignore_errors=True)
    shutil.rmtree(place.sockets, ignore_errors=True)


@pytest.fixture
def fresh_place() -> Iterator[Place]:
    """Return a data directory before its first start."""
    with data_directory() as place:
        yield place


@pytest.fixture(scope="session")
def started_once() -> Iterator[Place]:
    """Return a data directory after a first start and a clean stop."""
    with data_directory() as place:
        place.without_fsync.touch()
        sharing.release(place, sharing.share(place))
        place.without_fsync.unlink()
        yield place


@pytest.fixture
def place(started_once: Place) -> Iterator[Place]:
    """Return a copy of a data directory that was started once: most tests are not about the first start."""
    with data_directory() as place:
        subprocess.run(["cp", "-a", f"{started_once.data}/.", str(place.data)], check=True)
        yield place

"""Clock and chance held still, so that two answers to one request can be compared byte by byte."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest import mock

import knox.crypto
from django.utils import timezone

DiskUsage = namedtuple("DiskUsage", ("total", "used", "free"))


@contextmanager
def frozen_world(now: datetime, seed: str) -> Iterator[None]:
    """Let clock and every source of secrets give the same answers for the same seed."""
    chance = random.Random(seed)
    with (
        mock.patch.object(timezone, "now", return_value=now),
        mock.patch.object(time, "time", return_value=now.timestamp()),
        mock.patch.object(shutil, "disk_usage", return_value=DiskUsage(10**12, 10**11, 9 * 10**11)),
        mock.patch.object(os, "urandom", chance.randbytes),
        # The token package holds its own name for os.urandom.
        mock.patch.object(knox.crypto, "generate_bytes", chance.randbytes),
        mock.patch.object(random.SystemRandom, "random", chance.random),
        mock.patch.object(random.SystemRandom, "getrandbits", chance.getrandbits),
        mock.patch.object(random.SystemRandom, "randbytes", chance.randbytes),
    ):
        yield

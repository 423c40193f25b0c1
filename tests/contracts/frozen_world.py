"""Clock and chance held still, so that two answers to one request can be compared byte by byte."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest import mock

from django.utils import timezone


@contextmanager
def frozen_world(now: datetime, seed: str) -> Iterator[None]:
    """Let clock and every source of secrets give the same answers for the same seed."""
    chance = random.Random(seed)
    with (
        mock.patch.object(timezone, "now", return_value=now),
        mock.patch.object(time, "time", return_value=now.timestamp()),
        mock.patch.object(os, "urandom", chance.randbytes),
        mock.patch.object(random.SystemRandom, "random", chance.random),
        mock.patch.object(random.SystemRandom, "getrandbits", chance.getrandbits),
        mock.patch.object(random.SystemRandom, "randbytes", chance.randbytes),
    ):
        yield

"""Bringing a folder in, in a test's own database: allocations travel on a second login role and need real commits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from registry.interchange.import_report import ImportReport


@pytest.fixture
def bring(committed_db: None, admin: Any, now: datetime) -> Callable[..., ImportReport]:
    """Return an import as the administrator, or as another person."""
    from registry.interchange.importer import bring_in
    from registry.models import User

    def run(folder: Path, *, by: Any = None, **options: Any) -> ImportReport:
        # A fresh object, as each request and command has: rights are read once per object.
        return bring_in(folder, by=User.objects.get(pk=(by or admin).pk), now=now, **options)

    return run


@pytest.fixture
def problems(bring: Callable[..., ImportReport]) -> Callable[..., list[str]]:
    """Return the problems of a folder as sentences, having seen that nothing was written."""
    from registry.models import PainScore, Patient, Trial

    def run(folder: Path, **options: Any) -> list[str]:
        before = Trial.objects.count(), Patient.objects.count(), PainScore.objects.count()
        report = bring(folder, **options)
        assert not report.imported
        assert (Trial.objects.count(), Patient.objects.count(), PainScore.objects.count()) == before
        assert report.problem_count == len(report.problems)
        return [problem.sentence for problem in report.problems]

    return run

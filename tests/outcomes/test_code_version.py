"""The digest under which numbers are issued covers whatever decides one, and says so when that becomes more."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from registry.environment import ROOT
from registry.outcomes import code_version

# What the sources lean on and no number comes from: rows and rights, sealing, noting and asking for jobs, words and shapes of a page.
DECIDE_NOTHING = re.compile(
    r"registry\.(models|closed_room|exceptions|roles|wording|reports\.parts|services\.(auditing|jobs|sealing))(\.|$)"
)
PACKAGES = {"django", "psycopg", "structlog"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ([f"{node.module}.{name.name}" for name in node.names] if is_package(node.module) else [node.module])
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/")).is_dir()


def file_of(module: str) -> Path:
    """Return the file of a module, or of the package that a name was taken from."""
    path = ROOT / module.replace(".", "/")
    found = [path.with_suffix(".py"), path / "__init__.py", path.parent / "__init__.py"]
    return next(file for file in found if file.exists())


def test_whatever_the_sources_lean_on_is_one_of_them_or_decides_nothing():
    covered = code_version.sources()
    leant_on = {name for path in covered for name in imported(path) if name.startswith("registry.")}
    missing = {name for name in leant_on if not DECIDE_NOTHING.match(name) and file_of(name) not in covered}
    assert missing == set()


def test_no_package_computes_a_number_whose_version_would_have_to_be_told():
    found = {name.split(".")[0] for path in code_version.sources() for name in imported(path)}
    assert found - {"registry"} - set(sys.stdlib_module_names) <= PACKAGES


def test_words_and_the_counting_of_reports_are_among_them():
    names = {path.relative_to(ROOT).as_posix() for path in code_version.sources()}
    assert {"registry/reports/conduct.py", "registry/reports/received.py", "registry/vocabulary/adverse_events.py"} <= names


def test_one_changed_byte_is_another_version(tmp_path, monkeypatch):
    changed = tmp_path / "conduct.py"
    changed.write_text("RECEIVED_PERCENT = 80\n")
    monkeypatch.setattr(code_version, "REGISTRY", tmp_path)
    monkeypatch.setattr(code_version, "sources", lambda: [changed])
    before = code_version.code_version.__wrapped__()
    changed.write_text("RECEIVED_PERCENT = 81\n")
    assert code_version.code_version.__wrapped__() != before

"""Texts of selectors that reach pages are marked for translation; errors, which name a remedy, keep to the domain's one language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import ROOT

# A word or a sentence as people read it, not a key, a format or a type.
READ_BY_PEOPLE = re.compile(r"^[A-Z][a-z]+([ ,.:].*)?$")
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "cast", "TypeVar"}
# What the check of the audit found is printed by its command, in the domain's one language.
PRINTED = {"audit_check.py"}
SELECTORS = sorted(path for path in (ROOT / "registry" / "selectors").glob("**/*.py") if path.name not in PRINTED)


def unmarked(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the texts below a node that nobody marked; what is raised and what documents is no label."""
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (node.func.id in MARKS or node.func.id.endswith("Problem")):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and READ_BY_PEOPLE.match(node.value):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from unmarked(child)


@pytest.mark.parametrize("path", SELECTORS, ids=lambda path: str(Path(path).relative_to(ROOT)))
def test_no_label_of_a_selector_is_unmarked(path):
    found = unmarked(ast.parse(path.read_text()))
    assert [(node.lineno, node.value) for node in found] == []


def test_the_search_finds_a_label_and_lets_marks_and_refusals_be():
    source = """
STATES = {"x": "In the trial"}
LABEL = _("Begun")
def shown():
    "Return something."
    raise NotFound("There is none.")
    return row(label="Planned")
"""
    assert [node.value for node in unmarked(ast.parse(source))] == ["In the trial", "Planned"]

"""Texts of selectors that reach pages are marked for translation, and so is what rules find wrong; other errors keep to one language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from registry import wording
from registry.rules.thresholds import NewThreshold, threshold_problems
from registry.vocabulary import Hemisphere
from tests.cluster import ROOT

# A word or a sentence as people read it, not a key, a format or a type.
READ_BY_PEOPLE = re.compile(r"^[A-Z][a-z]+([ ,.:].*)?$")
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "cast", "TypeVar"}
# What the check of the audit found is printed by its command, in the domain's one language.
PRINTED = {"audit_check.py"}
SELECTORS = sorted(path for path in (ROOT / "registry" / "selectors").glob("**/*.py") if path.name not in PRINTED)


RULES = sorted((ROOT / "registry" / "rules").glob("**/*.py"))
# A sentence that waits in a name before it becomes a problem.
SENTENCES = {"message"}


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


def unmarked_sentences(tree: ast.AST) -> Iterator[int]:
    """Yield the lines on which a rule says what is wrong in words that nobody marked."""
    for node in ast.walk(tree):
        said: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
            said = [*node.args[1:2], *(one.value for one in node.keywords if one.arg == "message")]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in SENTENCES:
            said = [node.value]
        yield from (one.lineno for one in said if isinstance(one, ast.JoinedStr | ast.Constant))


@pytest.mark.parametrize("path", RULES, ids=lambda path: str(Path(path).relative_to(ROOT)))
def test_no_sentence_of_a_rule_is_unmarked(path):
    assert list(unmarked_sentences(ast.parse(path.read_text()))) == []


def test_the_search_finds_sentences_however_they_reach_a_problem():
    source = """
Problem("a", "Enter it.")
Problem("a", f"Enter {it}.")
Problem("a", message="Enter it.")
message = f"Enter {it}."
Problem("a", _("Enter %(it)s.") % {"it": it})
Problem("a", message)
"""
    assert sorted(unmarked_sentences(ast.parse(source))) == [2, 3, 4, 5]


def test_sentences_of_rules_are_said_in_the_readers_language(monkeypatch):
    monkeypatch.setattr(wording, "_translators", [])
    row = NewThreshold(patient="P-1", percent_mso=50, hemisphere=Hemisphere.LEFT, muscle="x" * 41, measured_on=date(2026, 1, 1))
    assert [one.message for one in threshold_problems(row)] == ["Shorten the name of the muscle to 40 characters."]
    wording.translate_with(lambda sentence: {SHORTEN: "Kürzen Sie den Namen auf %(longest_muscle)s Zeichen."}[sentence])
    assert [one.message for one in threshold_problems(row)] == ["Kürzen Sie den Namen auf 40 Zeichen."]


SHORTEN = "Shorten the name of the muscle to %(longest_muscle)s characters."

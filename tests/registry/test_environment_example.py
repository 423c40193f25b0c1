"""Every variable that the code reads is explained in .env.example, and nothing is explained there that nobody reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from registry.environment import ROLES, ROOT
from tests.deploy import recipe

READERS = {"text", "secret", "key", "flag", "whole_number", "words", "is_set"}
EXAMPLE = (ROOT / ".env.example").read_text()
EXPLAINED = {name.removesuffix("_FILE") for name in re.findall(r"^#([A-Z_]+)=", EXAMPLE, re.MULTILINE)}
# Said of the tests and of compose, which do not read through registry.environment.
ELSEWHERE = {"RTMS_SHARED", "RTMS_REQUIRE", *(found[0] for found in recipe.VARIABLE.findall(recipe.COMPOSE.read_text()))}


def names_read() -> Iterator[str]:
    """Yield the name of each variable that is read, those of each login role written out."""
    for path in (ROOT / "registry").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args and is_reader(call.func):
                yield from written_out(call.args[0])


def is_reader(function: ast.Attribute) -> bool:
    holder = ast.unparse(function.value)
    return (holder == "environment" and function.attr in READERS) or (holder == "os.environ" and function.attr == "get")


def written_out(name: ast.expr) -> Iterator[str]:
    if isinstance(name, ast.Constant):
        yield str(name.value)
    elif isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
        yield from (f"{name.values[0].value}{role.upper()}" for role in ROLES)


def test_every_variable_that_is_read_is_explained_with_its_default():
    read = set(names_read())
    assert {"RTMS_REPORT_INTERVAL_S", "DATABASE_PASSWORD_OWNER", "RTMS_DATA", "WEB_THREADS"} <= read
    assert read - EXPLAINED == set()


def test_nothing_is_explained_that_nobody_reads():
    addresses = {"DATABASE_URL", *(f"DATABASE_URL_{role.upper()}" for role in ROLES)}
    assert EXPLAINED - set(names_read()) - ELSEWHERE - addresses == set()

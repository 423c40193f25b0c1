"""The examples in docstrings give what they say."""

import doctest
from types import ModuleType

import pytest

from registry.rules.response import verdict
from registry.stats import differences, moments, poisson, proportions, student


@pytest.mark.parametrize("module", [proportions, differences, moments, student, poisson], ids=lambda module: module.__name__)
def test_examples_of_the_estimators(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_examples_of_the_response_rules() -> None:
    found = doctest.testmod(__import__(verdict.__module__, fromlist=["verdict"]))
    assert (found.attempted > 0, found.failed) == (True, 0)

"""Commands of the README and the how-tos name what the demonstration has, so that they run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from registry.interchange.demonstration import ACCOUNTS
from tests.cluster import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
OF_TRIAL = re.compile(r"run\.py (?:report|outcomes|export_trial) (\S+)|/api/v1/reports/([^/\s]+)/")
# The published trial that its own page brings in first.
BROUGHT_IN = {"import-a-published-trial.md": {"vickers2004"}}


def commands(page: Path) -> str:
    """Return the lines of a page's plain code blocks."""
    return "\n".join(re.findall(r"^```\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_name_trials_and_accounts_that_are_there(page):
    told = commands(page)
    trials = {first or second for first, second in OF_TRIAL.findall(told)}
    assert trials <= {"demonstration"} | BROUGHT_IN.get(page.name, set())
    assert set(re.findall(r"--as (\S+)", told)) <= {account.email for account in ACCOUNTS}

"""The plotly bundle comes out of the installed package, without its Python being imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from web.static_packages import PLOTLY_MAP_STYLE_ID, PLOTLY_SCRIPT, PlotlyFinder


def test_finder_finds_the_bundle_and_nothing_else():
    found = PlotlyFinder().find(PLOTLY_SCRIPT)
    assert isinstance(found, str)
    assert Path(found).stat().st_size > 1_000_000
    assert PlotlyFinder().find("other.js") == []


def test_finder_answers_django_when_asked_for_all():
    assert PlotlyFinder().find(PLOTLY_SCRIPT, find_all=True) == [PlotlyFinder().find(PLOTLY_SCRIPT)]
    assert PlotlyFinder().find("other.js", find_all=True) == []


def test_finder_lists_one_file_for_collectstatic():
    ((name, storage),) = PlotlyFinder().list([])
    assert name == PLOTLY_SCRIPT
    assert storage.exists(name)


def test_bundle_asks_for_the_id_that_keeps_its_map_style_out():
    bundle = Path(str(PlotlyFinder().find(PLOTLY_SCRIPT))).read_text()
    assert f'document.getElementById("{PLOTLY_MAP_STYLE_ID}")' in bundle


def test_finding_the_bundle_imports_no_plotly():
    code = "from web.static_packages import plotly_directory; plotly_directory(); import sys; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

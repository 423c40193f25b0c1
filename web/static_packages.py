"""Serve third-party scripts out of installed packages, so that none is committed and none comes from a CDN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

PLOTLY_SCRIPT = "plotly.min.js"
# The bundle's map library inserts a style element unless an element with this id is there. No page draws a map and the
# content security policy refuses the style, so the script's own tag carries the id. A test finds it in the bundle.
PLOTLY_MAP_STYLE_ID = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"


class PackageMissing(Exception):
    """An installed package does not hold the file that pages need; the sentence says which to install."""


@cache
def plotly_directory() -> Path:
    """Return the folder of the script inside the plotly package, found without importing it: its Python is heavy."""
    spec = find_spec("plotly")
    if spec is not None and spec.origin is not None:
        directory = Path(spec.origin).parent / "package_data"
        if (directory / PLOTLY_SCRIPT).is_file():
            return directory
    raise PackageMissing(f"The plotly package with {PLOTLY_SCRIPT} is not installed. Install requirements.txt again.")


class PlotlyFinder(BaseFinder):
    """Find exactly one file, the plotly.js bundle, wherever the package is installed."""

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> str | list[str]:  # type: ignore[override]  # as Django does
        """Return the script's path for its name, an empty list for any other name."""
        if path != PLOTLY_SCRIPT:
            return []
        found = str(plotly_directory() / PLOTLY_SCRIPT)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """Yield the script for collectstatic."""
        yield PLOTLY_SCRIPT, FileSystemStorage(location=plotly_directory())

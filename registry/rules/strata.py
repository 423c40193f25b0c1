"""How strata are written: factors as `site=N; diagnosis=low_back`, the same on a list and at the bedside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product


def stratum_name(site: str = "", condition: str = "") -> str:
    """Return the name of a stratum; '' where nothing stratifies."""
    factors = [f"site={site}" if site else "", f"diagnosis={condition}" if condition else ""]
    return "; ".join(factor for factor in factors if factor)


def strata_names(sites: Sequence[str], conditions: Sequence[str]) -> list[str]:
    """Return every stratum of these factors; no sites or no conditions means that it is no factor."""
    return [stratum_name(site, condition) for site, condition in product(sites or [""], conditions or [""])]


def strata_of_patient(site: str, condition: str) -> list[str]:
    """Return the strata a patient may belong to, by the factors a list may have, the finest first."""
    names = [stratum_name(site, condition), stratum_name(site), stratum_name("", condition), ""]
    return list(dict.fromkeys(names))

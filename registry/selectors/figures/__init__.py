"""The figures of a snapshot as plain values: what is drawn, said, tabulated and downloaded. Every number is the payload's own.

Used by pages and reports alike, so that a figure says the same wherever it is shown.
"""

from __future__ import annotations

from registry.selectors.figures.completeness import completeness
from registry.selectors.figures.diagnoses import diagnoses
from registry.selectors.figures.figure import Figure, leading
from registry.selectors.figures.means import means
from registry.selectors.figures.recruitment import recruitment
from registry.selectors.figures.responders import over_time, responders
from registry.selectors.outcome_payload import Payload

__all__ = ["Figure", "cut_of", "figures_of"]


def figures_of(payload: Payload, *, cut: int) -> list[Figure]:
    """Return a document's figures in the order they are shown; those of a cut take the asked one, in tenths of a percent.

    Where the document withholds efficacy there are recruitment and completeness.
    """
    lead = leading(payload)
    found = [recruitment(payload), completeness(payload)]
    if lead is None or payload["efficacy"] != "shown":
        return found
    return [responders(payload, lead), over_time(payload, cut), diagnoses(payload, lead, cut), means(payload, lead), *found]


def cut_of(payload: Payload, asked: str) -> int:
    """Return the asked threshold in tenths of a percent if the plan has it, else the plan's first."""
    cuts = payload["thresholds_tenths"]
    return next((cut for cut in cuts if str(cut) == asked), cuts[0])

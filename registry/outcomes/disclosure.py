"""What a document may disclose: decided by the trial's setting at the time of making, whatever time its records are of."""

from __future__ import annotations

from dataclasses import dataclass

from registry.models import Trial
from registry.rules.charter import CharterState
from registry.selectors.charter import charter_state


@dataclass(frozen=True)
class Disclosure:
    """Whether arms may be named, and whether response may stand in the open and in the closed document (specification 2.3, 2.4).

    `charter` says whether dates decide the latter; where they are in force only the report of a look has it.
    """

    decoded: bool
    efficacy: bool
    charter: CharterState
    efficacy_by_arm: bool

    @classmethod
    def of(cls, trial: Trial) -> Disclosure:
        """Return what a trial allows."""
        charter = charter_state(trial)
        return cls(trial.is_decoded, trial.shows_efficacy, charter, efficacy_by_arm=charter != CharterState.IN_FORCE)

"""What a document may disclose: decided by the trial's setting at the time of making, whatever time its records are of."""

from __future__ import annotations

from dataclasses import dataclass

from registry.models import Trial


@dataclass(frozen=True)
class Disclosure:
    """Whether arms may be named, and whether pooled response may stand in the open document (specification 2.3, 2.4)."""

    decoded: bool
    efficacy: bool

    @classmethod
    def of(cls, trial: Trial) -> Disclosure:
        """Return what a trial allows."""
        return cls(decoded=trial.is_decoded, efficacy=trial.shows_efficacy)

"""A motor threshold as the doors send it, and what may be wrong with it by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from registry.exceptions import Problem
from registry.vocabulary import Hemisphere, ThresholdKind, ThresholdMethod, Waveform
from registry.wording import _

LONGEST_MUSCLE = 40
# The peak-to-peak amplitude that counts as a response; 50 for resting, 100 to 200 for active thresholds are usual.
CRITERION_RANGE_UV = (1, 5000)


@dataclass(frozen=True, slots=True)
class NewThreshold:
    """One threshold to record, in the codes of its trial. `record` makes a repeat harmless."""

    patient: str
    percent_mso: int
    hemisphere: Hemisphere
    kind: ThresholdKind = ThresholdKind.RESTING
    measured_on: date | None = None
    measured_at: datetime | None = None
    coil: str | None = None
    stimulator: str | None = None
    waveform: Waveform = Waveform.NOT_RECORDED
    muscle: str = ""
    method: ThresholdMethod = ThresholdMethod.NOT_RECORDED
    criterion_uv: int | None = None
    row_id: str = ""
    record: UUID | None = None


def threshold_problems(row: NewThreshold) -> list[Problem]:
    """Return what is wrong with a threshold by itself."""
    found: list[Problem] = []
    if not 1 <= row.percent_mso <= 100:
        found.append(
            Problem("percent_mso", _("Enter the threshold in % of maximum stimulator output, a whole number from 1 to 100."), "range")
        )
    if row.hemisphere not in (Hemisphere.LEFT, Hemisphere.RIGHT):
        found.append(Problem("hemisphere", _("A threshold belongs to one hemisphere. Choose left or right."), "one_side"))
    if len(row.muscle) > LONGEST_MUSCLE:
        found.append(
            Problem(
                "muscle",
                _("Shorten the name of the muscle to %(longest_muscle)s characters.") % {"longest_muscle": LONGEST_MUSCLE},
                "too_long",
            )
        )
    low, high = CRITERION_RANGE_UV
    if row.criterion_uv is not None and not low <= row.criterion_uv <= high:
        found.append(
            Problem("criterion_uv", _("Enter the amplitude in microvolts, from %(low)s to %(high)s.") % {"low": low, "high": high}, "range")
        )
    if row.measured_on is None and row.measured_at is None:
        found.append(Problem("measured_on", _("Enter the day the threshold was measured."), "required"))
    return found

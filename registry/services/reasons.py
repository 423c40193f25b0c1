"""Why a record is changed: one of the fixed reasons, with own words where it is 'other'."""

from __future__ import annotations

from dataclasses import dataclass

from registry.exceptions import InvalidInput, Problem

MINIMUM_REASON = 10
CORRECTION_REASONS = {
    "typing_error": "Typing error",
    "read_from_paper": "Read again from the paper diary",
    "read_from_device": "Read from the device log",
    "patient_corrected": "Patient corrected the answer",
    "wrong_patient": "Entered for the wrong patient",
    "other": "Other",
}


@dataclass(frozen=True)
class Reason:
    """Why a record is changed, as a person chose it."""

    code: str
    text: str = ""

    def sentence(self) -> str:
        """Return the reason for the history; raise InvalidInput when it says nothing."""
        if self.code not in CORRECTION_REASONS:
            raise InvalidInput([Problem("reason", "Choose why the record is changed.", "required")])
        if self.code == "other" and len(self.text.strip()) < MINIMUM_REASON:
            raise InvalidInput([Problem("reason_text", f"Say why in at least {MINIMUM_REASON} characters.", "too_short")])
        label = CORRECTION_REASONS[self.code]
        return f"{label}: {self.text.strip()}" if self.text.strip() else label

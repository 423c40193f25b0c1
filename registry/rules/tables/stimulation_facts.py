"""What trial.toml says of devices and of what the protocol prescribes, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from registry.rules.stimulation import Pattern


@dataclass(frozen=True, slots=True)
class StimulatorFacts:
    """One of [[stimulators]]; without a site it serves all of them."""

    code: str
    model: str
    site: str = ""
    maker: str = ""
    serial_number: str = ""
    software_version: str = ""
    waveform: str = "not_recorded"
    pulse_width_us: int | None = None
    retired_on: date | None = None


@dataclass(frozen=True, slots=True)
class CoilFacts:
    """One of [[coils]]: a coil that may be named."""

    code: str
    model: str
    shape: str
    site: str = ""
    maker: str = ""
    serial_number: str = ""
    cooled: bool = False
    retired_on: date | None = None


@dataclass(frozen=True, slots=True)
class CoilConversionFacts:
    """One of [[coil_conversions]]: a threshold of one coil model times `factor` is that of another."""

    from_model: str
    to_model: str
    factor: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class PrescriptionFacts:
    """One of [[protocol.prescriptions]]; without a treatment it holds for all of them."""

    treatment: str = ""
    session_days: tuple[int, ...] = ()
    threshold_max_age_days: int = 7
    received_percent: int = 80
    source: str = ""


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """One of [[protocol.blocks]]; its place among those of its treatment is its position.

    The length of a train stands in pulses, or in bursts where a burst has several pulses; the other one is None.
    """

    target: str
    hemisphere: str
    frequency_hz: Decimal
    trains: int
    intensity_percent: Decimal
    treatment: str = ""
    target_text: str = ""
    pulses_per_train: int | None = None
    bursts_per_train: int | None = None
    gap_s: Decimal = Decimal(0)
    pulses_per_burst: int = 1
    intra_burst_hz: Decimal | None = None
    intensity_reference: str = "rmt"

    @property
    def train_s(self) -> None:
        """Return nothing: seconds are a way of stating pulses, and the pulses are what is kept."""

    @property
    def pattern(self) -> Pattern:
        """Return the pattern in the terms of the rules."""
        bursts = self.pulses_per_train if self.bursts_per_train is None else self.bursts_per_train
        return Pattern(self.frequency_hz, bursts or 0, self.trains, self.gap_s, self.pulses_per_burst, self.intra_burst_hz)

    @classmethod
    def of(cls, pattern: Pattern, **others: object) -> BlockFacts:
        """Return the block of a pattern, the length of its train stated as people do."""
        count = "bursts_per_train" if pattern.is_bursts else "pulses_per_train"
        names = ("frequency_hz", "trains", "gap_s", "pulses_per_burst", "intra_burst_hz")
        values = {name: getattr(pattern, name) for name in names}
        return cls(**values, **{count: pattern.bursts_per_train}, **others)  # type: ignore[arg-type]  # checked where they were read

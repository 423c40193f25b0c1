"""When the pulses of one block fall: pulses make bursts, bursts make trains, trains make the block. Exact, in integers and fractions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class IntervalCounts:
    """The six numbers that NIBS-BIDS (draft v1) describes a protocol with: intervals in seconds, counted from onset to onset.

    An interval of a level that does not repeat is 0, as in the draft's own examples.
    """

    inter_pulse_interval: Fraction
    pulses_in_burst: int
    inter_burst_interval: Fraction
    bursts_in_train: int
    inter_train_interval: Fraction
    trains_in_protocol: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """The pulses of one block, as people state them; every other number is derived.

    `frequency_hz` is the rate of bursts; where a burst is one pulse, of pulses. `gap_s` is the silence from the end of a
    train's last interval to the next train (not from onset to onset), 0 where there is one train. `intra_burst_hz` is the
    rate inside a burst, None where a burst is one pulse.
    """

    frequency_hz: Decimal
    bursts_per_train: int
    trains: int
    gap_s: Decimal
    pulses_per_burst: int = 1
    intra_burst_hz: Decimal | None = None

    @property
    def is_bursts(self) -> bool:
        """Tell whether pulses come in bursts (theta burst, quadripulse) rather than one by one."""
        return self.pulses_per_burst > 1

    @property
    def pulses_per_train(self) -> int:
        """Return the pulses of one train."""
        return self.pulses_per_burst * self.bursts_per_train

    @property
    def pulses(self) -> int:
        """Return the pulses of the block."""
        return self.pulses_per_train * self.trains

    @property
    def train_s(self) -> Fraction:
        """Return the length of one train, its last interval included."""
        return self.bursts_per_train / Fraction(self.frequency_hz)

    @property
    def train_onset_interval_s(self) -> Fraction:
        """Return the time from the start of one train to the start of the next."""
        return self.train_s + Fraction(self.gap_s)

    @property
    def nominal_s(self) -> Fraction:
        """Return the length of the block to the end of its last train."""
        return self.trains * self.train_s + (self.trains - 1) * Fraction(self.gap_s)

    @property
    def last_pulse_s(self) -> Fraction:
        """Return the moment of the last pulse, the first being 0."""
        whole_trains = (self.trains - 1) * self.train_onset_interval_s
        whole_bursts = (self.bursts_per_train - 1) / Fraction(self.frequency_hz)
        return whole_trains + whole_bursts + (self.pulses_per_burst - 1) * self.inter_pulse_s

    @property
    def inter_pulse_s(self) -> Fraction:
        """Return the time between two pulses of a burst; 0 where a burst is one pulse."""
        return Fraction(0) if self.intra_burst_hz is None else 1 / Fraction(self.intra_burst_hz)

    @property
    def cycle_s(self) -> Fraction:
        """Return the length of the schedule, the gap after the last train included."""
        return self.trains * self.train_onset_interval_s

    @property
    def duty_cycle(self) -> Fraction:
        """Return the share of a cycle in which trains run."""
        return self.train_s / self.train_onset_interval_s

    @property
    def mean_hz(self) -> Fraction:
        """Return the pulses per second over the nominal length."""
        return self.pulses / self.nominal_s

    @property
    def intervals(self) -> IntervalCounts:
        """Return the six numbers for machines. Without bursts the draft calls a train a burst."""
        onset = 1 / Fraction(self.frequency_hz)
        next_train = self.train_onset_interval_s if self.trains > 1 else Fraction(0)
        if not self.is_bursts:
            return IntervalCounts(onset, self.bursts_per_train, next_train, self.trains, Fraction(0), 1)
        return IntervalCounts(self.inter_pulse_s, self.pulses_per_burst, onset, self.bursts_per_train, next_train, self.trains)

    def shortened(self, trains: int) -> Pattern:
        """Return the pattern after so many whole trains."""
        return replace(self, trains=trains, gap_s=self.gap_s if trains > 1 else ZERO)

"""What a pattern must be to be believed: whole pulses, bursts that fit, values a stimulator can give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from registry.exceptions import InvalidInput, Problem
from registry.rules.stimulation.numbers import decimal_text, range_problem
from registry.rules.stimulation.timing import ZERO, Pattern
from registry.wording import _

FREQUENCY_HZ = (Decimal("0.1"), Decimal(100))
INTRA_BURST_HZ = (Decimal(1), Decimal(1000))
PULSES_PER_BURST = (1, 20)
BURSTS_PER_TRAIN = (1, 20_000)
TRAINS = (1, 200)
GAP_S = (ZERO, Decimal(120))
# Pulses faster than 1 Hz come in trains of at most a minute; slow ones and bursts run for as long as the session lasts.
LONGEST_TRAIN_S = 60
LONGEST_CONTINUOUS_S = 3600
MOST_PULSES = 20_000


@dataclass(frozen=True, slots=True)
class PatternInput:
    """A pattern as a person states it: the length of a train in exactly one of pulses, bursts or seconds."""

    frequency_hz: Decimal | None
    trains: int | None
    gap_s: Decimal | None = ZERO
    pulses_per_train: int | None = None
    bursts_per_train: int | None = None
    train_s: Decimal | None = None
    pulses_per_burst: int = 1
    intra_burst_hz: Decimal | None = None


def read_pattern(given: PatternInput) -> Pattern:
    """Return the pattern meant; raise InvalidInput naming every wrong field and its remedy."""
    found = [*_missing(given), *_unusable(given)]
    if found or given.frequency_hz is None or given.trains is None or given.gap_s is None:
        raise InvalidInput(found)
    bursts = _bursts(given, given.frequency_hz)
    if isinstance(bursts, Problem):
        raise InvalidInput([bursts])
    pattern = Pattern(given.frequency_hz, bursts, given.trains, given.gap_s, given.pulses_per_burst, given.intra_burst_hz)
    problems = pattern_problems(pattern)
    if problems:
        raise InvalidInput(problems)
    return pattern


def pattern_problems(pattern: Pattern) -> list[Problem]:
    """Return what is wrong with a pattern, field by field; the parts before the whole."""
    return _part_problems(pattern) or list(_whole_problems(pattern))


def train_bursts(frequency_hz: Decimal, train_s: Decimal) -> int | None:
    """Return how many bursts (pulses, where a burst is one) a train of so many seconds holds; None unless a whole number."""
    exact = Fraction(frequency_hz) * Fraction(train_s)
    return exact.numerator if exact.denominator == 1 else None


def _missing(given: PatternInput) -> list[Problem]:
    required = {
        "frequency_hz": (given.frequency_hz, "Enter the frequency in Hz."),
        "trains": (given.trains, "Enter the number of trains."),
        "gap_s": (given.gap_s, "Enter the pause between trains in seconds; 0 where there is one train."),
    }
    found = [Problem(name, message, "required") for name, (value, message) in required.items() if value is None]
    lengths = [value for value in (given.pulses_per_train, given.bursts_per_train, given.train_s) if value is not None]
    if not lengths:
        found.append(Problem("train_s", _("Enter the length of a train in seconds or its pulses."), "required"))
    elif len(lengths) > 1:
        found.append(Problem("train_s", _("The length of a train is given twice. Keep the seconds or the pulses, not both."), "twice"))
    return found


def _unusable(given: PatternInput) -> list[Problem]:
    """Return values that nothing can be computed with."""
    ranges = (("frequency_hz", given.frequency_hz, FREQUENCY_HZ, "Hz"), ("pulses_per_burst", given.pulses_per_burst, PULSES_PER_BURST, ""))
    found = [range_problem(name, value, low, high, unit) for name, value, (low, high), unit in ranges if value is not None]
    if given.train_s is not None and not (given.train_s.is_finite() and given.train_s > 0):
        found.append(Problem("train_s", _("Enter a length of a train above 0 seconds."), "out_of_range"))
    return [problem for problem in found if problem is not None]


def _bursts(given: PatternInput, frequency_hz: Decimal) -> int | Problem:
    """Return the bursts of a train, however its length was stated."""
    if given.bursts_per_train is not None:
        return given.bursts_per_train
    if given.train_s is not None:
        bursts = train_bursts(frequency_hz, given.train_s)
        return _broken_train(given, frequency_hz, given.train_s) if bursts is None else bursts
    pulses = given.pulses_per_train or 0
    if pulses % given.pulses_per_burst:
        message = _(
            "%(pulses)s pulses are no whole number of bursts of %(pulses_per_burst)s. Enter a multiple of %(pulses_per_burst)s."
        ) % {"pulses": pulses, "pulses_per_burst": given.pulses_per_burst}
        return Problem("pulses_per_train", message, "broken_burst")
    return pulses // given.pulses_per_burst


def _broken_train(given: PatternInput, frequency_hz: Decimal, train_s: Decimal) -> Problem:
    unit = _("pulses") if given.pulses_per_burst == 1 else _("bursts")
    exact = Fraction(frequency_hz) * Fraction(train_s)
    below = exact.numerator // exact.denominator
    near = [count for count in (below, below + 1) if count > 0]
    seconds = [_seconds_text(count / Fraction(frequency_hz)) for count in near]
    if None in seconds:
        counts = _(" or ").join(str(count) for count in near)
        remedy = _("Enter the %(unit)s of a train instead: %(counts)s.") % {"unit": unit, "counts": counts}
    else:
        lengths = _(" or ").join(f"{text} s" for text in seconds)
        remedy = _("Enter %(lengths)s, or the %(unit)s of a train.") % {"unit": unit, "lengths": lengths}
    message = _("%(frequency_hz)s Hz for %(train_s)s s is no whole number of %(unit)s. %(remedy)s") % {
        "frequency_hz": decimal_text(frequency_hz),
        "train_s": decimal_text(train_s),
        "unit": unit,
        "remedy": remedy,
    }
    return Problem("train_s", message, "broken_train")


def _seconds_text(seconds: Fraction) -> str | None:
    """Return seconds in at most three decimals, or None where that would not be exact."""
    thousandths = seconds * 1000
    return decimal_text(Decimal(thousandths.numerator).scaleb(-3)) if thousandths.denominator == 1 else None


def _part_problems(pattern: Pattern) -> list[Problem]:
    count_field = "bursts_per_train" if pattern.is_bursts else "pulses_per_train"
    found = [
        range_problem("frequency_hz", pattern.frequency_hz, *FREQUENCY_HZ, "Hz"),
        range_problem("pulses_per_burst", pattern.pulses_per_burst, *PULSES_PER_BURST),
        range_problem(count_field, pattern.bursts_per_train, *BURSTS_PER_TRAIN),
        range_problem("trains", pattern.trains, *TRAINS),
        range_problem("gap_s", pattern.gap_s, *GAP_S, "s"),
        _rate_problem(pattern),
    ]
    return [problem for problem in found if problem is not None]


def _rate_problem(pattern: Pattern) -> Problem | None:
    """Return what is wrong with the rate inside a burst."""
    if not pattern.is_bursts:
        if pattern.intra_burst_hz is None:
            return None
        return Problem("intra_burst_hz", _("Single pulses have no rate inside a burst. Leave it empty."), "not_applicable")
    if pattern.intra_burst_hz is None:
        return Problem("intra_burst_hz", _("Enter the rate of pulses inside a burst in Hz (theta burst: 50)."), "required")
    return range_problem("intra_burst_hz", pattern.intra_burst_hz, *INTRA_BURST_HZ, "Hz")


def _whole_problems(pattern: Pattern) -> Iterator[Problem]:
    if pattern.trains == 1 and pattern.gap_s != 0:
        yield Problem("gap_s", _("One train has no pause after it. Enter 0 seconds, or more trains."), "not_applicable")
    if (pattern.pulses_per_burst - 1) * pattern.inter_pulse_s >= 1 / Fraction(pattern.frequency_hz):
        message = _("The bursts run into each other. Enter fewer pulses a burst, a faster rate inside it, or fewer bursts a second.")
        yield Problem("pulses_per_burst", message, "overlap")
    longest = LONGEST_CONTINUOUS_S if pattern.is_bursts or pattern.frequency_hz <= 1 else LONGEST_TRAIN_S
    if pattern.train_s > longest:
        yield Problem("train_s", _("Enter a train of at most %(longest)s seconds.") % {"longest": longest}, "out_of_range")
    if pattern.pulses > MOST_PULSES:
        yield Problem(
            "trains",
            _("That makes %(pulses)s pulses. Enter a pattern of at most %(most_pulses)s.")
            % {"pulses": pattern.pulses, "most_pulses": MOST_PULSES},
            "out_of_range",
        )

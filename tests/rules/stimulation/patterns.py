"""Patterns as hypothesis draws them: conventional ones and bursts, all within what the registry accepts."""

from decimal import Decimal

from hypothesis import strategies as st

from registry.rules.stimulation import Pattern, pattern_problems


def decimals(low: str, high: str, places: int = 3) -> st.SearchStrategy[Decimal]:
    """Return decimal numbers of at most so many places."""
    return st.decimals(Decimal(low), Decimal(high), allow_nan=False, allow_infinity=False, places=places)


@st.composite
def patterns(draw: st.DrawFn, most_bursts: int = 200, most_trains: int = 60) -> Pattern:
    """Draw one sound pattern."""
    pulses_per_burst = draw(st.sampled_from([1, 1, 1, 2, 3, 4]))
    trains = draw(st.integers(1, most_trains))
    pattern = Pattern(
        frequency_hz=draw(decimals("0.1", "20")),
        bursts_per_train=draw(st.integers(1, most_bursts)),
        trains=trains,
        gap_s=draw(decimals("0", "120")) if trains > 1 else Decimal(0),
        pulses_per_burst=pulses_per_burst,
        intra_burst_hz=None if pulses_per_burst == 1 else draw(decimals("100", "1000")),
    )
    return pattern if not pattern_problems(pattern) else Pattern(Decimal(10), most_bursts, 1, Decimal(0))

"""The file of vectors that the browser's arithmetic is tested with too."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from registry.rules.stimulation import (
    Pattern,
    count_text,
    delivered_percent,
    length_text,
    output_problem,
    percent_text,
    read_decimal,
    stimulator_setting,
    train_bursts,
)

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))


def named(kind: str) -> Any:
    """Return a parametrization by the vectors of one kind."""
    return pytest.mark.parametrize("vector", VECTORS[kind], ids=[f"{kind}-{number}" for number in range(len(VECTORS[kind]))])


@named("settings")
def test_setting(vector: dict[str, Any]) -> None:
    threshold, intensity = Decimal(vector["threshold"]), Decimal(vector["intensity_percent"])
    setting = stimulator_setting(threshold, intensity)
    assert setting == vector["setting"]
    assert percent_text(delivered_percent(setting, threshold)) == vector["delivered_percent"]
    assert (output_problem(setting, intensity) is not None) == vector["above_output"]


@named("patterns")
def test_pattern(vector: dict[str, Any]) -> None:
    rate = vector["intra_burst_hz"]
    pattern = Pattern(
        Decimal(vector["frequency_hz"]),
        vector["bursts_per_train"],
        vector["trains"],
        Decimal(vector["gap_s"]),
        vector["pulses_per_burst"],
        None if rate is None else Decimal(rate),
    )
    assert pattern.pulses == vector["pulses"]
    assert count_text(pattern.pulses) == vector["pulses_text"]
    assert length_text(pattern.nominal_s) == vector["length_text"]
    assert length_text(pattern.last_pulse_s) == vector["last_pulse_text"]


@named("train_seconds")
def test_train_seconds(vector: dict[str, Any]) -> None:
    assert train_bursts(Decimal(vector["frequency_hz"]), Decimal(vector["train_s"])) == vector["bursts"]


@named("decimals")
def test_decimal(vector: dict[str, Any]) -> None:
    value = vector["value"]
    assert read_decimal(vector["text"]) == (None if value is None else Decimal(value))

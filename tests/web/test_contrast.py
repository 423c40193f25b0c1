"""The contrast of every pair of tokens that meet on a page, computed from the stylesheet, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parent.parent.parent / "static/css/tokens.css"
TOKEN = re.compile(r"--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")
TOKENS = {name: (light, dark) for name, light, dark in TOKEN.findall(CSS.read_text())}
THEMES = ("light", "dark")

TEXT = 4.5
MARK = 3.0
GROUNDS = ("bg", "surface", "sunken")
TEXT_PAIRS = [
    *[(ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in GROUNDS],
    *[(ink, ground) for ink in ("accent", "accent-deep") for ground in ("bg", "surface", "accent-soft")],
    *[(tone, ground) for tone in ("ok", "warn", "bad", "info") for ground in ("surface", f"{tone}-soft")],
    *[("ink", f"{tone}-soft") for tone in ("ok", "warn", "bad", "info", "accent")],
    ("on-accent", "accent"),
    ("bg", "ink"),
    ("closed-ink", "closed-1"),
    ("closed-ink", "closed-2"),
    ("arm-a-ink", "surface"),
    ("arm-b-ink", "surface"),
    ("arm-c-ink", "surface"),
    ("arm-d-ink", "surface"),
]
MARK_PAIRS = [
    *[("line-strong", ground) for ground in ("bg", "surface")],
    *[("focus", ground) for ground in GROUNDS],
    *[(mark, "surface") for mark in ("arm-a", "arm-b", "arm-c", "arm-d", "pooled", "accent")],
]


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", range(2), ids=THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_is_readable(ink, ground, theme):
    assert contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= TEXT


@pytest.mark.parametrize("theme", range(2), ids=THEMES)
@pytest.mark.parametrize(("mark", "ground"), MARK_PAIRS)
def test_marks_and_controls_can_be_seen(mark, ground, theme):
    assert contrast(TOKENS[mark][theme], TOKENS[ground][theme]) >= MARK


def test_every_colour_of_a_theme_has_a_twin_in_the_other():
    lines = [line for line in CSS.read_text().splitlines() if re.match(r"\s*--[\w-]+:.*#[0-9a-f]{6}", line)]
    assert all(TOKEN.search(line) for line in lines)

"""Small drawings as SVG text: no script, no style, no date, no chance; the same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 640.0, 300.0
FONT = "Libertinus Serif"
INK, INK_2, INK_3, GRID, PAPER = "#15201c", "#3f4b45", "#59655f", "#e6e8e2", "#ffffff"


@dataclass(frozen=True)
class Dress:
    """How a line is told apart: by colour, dash and symbol. `name` is the class a page may colour anew for dark."""

    name: str
    colour: str
    ink: str
    dash: str
    symbol: str


POOLED = Dress("pooled", "#3b4a52", "#3b4a52", "", "circle")
ARMS = (
    Dress("arm-a", "#0072b2", "#00619a", "", "circle"),
    Dress("arm-b", "#d55e00", "#a84a00", "7 4", "diamond"),
    Dress("arm-c", "#00795a", "#006b50", "2 3", "square"),
    Dress("arm-d", "#a6467f", "#94396f", "9 3 2 3", "triangle"),
)


def dress(place: int, *, arms: bool) -> Dress:
    """Return the dress of a line by its place among the arms."""
    return ARMS[place % len(ARMS)] if arms else POOLED


@dataclass
class Canvas:
    """A drawing under way: a frame for the data, and what was drawn so far. Values are mapped to the frame linearly."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = 46
    right: float = 86
    top: float = 20
    bottom: float = 44
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Return where a value lies across."""
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Return where a value lies from above."""
        low, high = self.y_range
        return self.height - self.bottom - (value - low) / (high - low) * (self.height - self.top - self.bottom)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, stroke: str = GRID, kind: str = "grid", width: float = 1, dash: str = ""
    ) -> None:
        """Draw a straight line between places on the paper."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        place = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
        self.parts.append(f'<line class="{kind}" {place} stroke="{stroke}" stroke-width="{number(width)}"{dashed}/>')

    def path(self, points: Iterable[tuple[float, float]], its: Dress, *, steps: bool = False) -> None:
        """Draw a line through places on the paper, in steps that hold a height until the next place if asked."""
        drawn, last = [], None
        for x, y in points:
            if last is None:
                drawn.append(f"M{number(x)} {number(y)}")
            elif steps:
                drawn.append(f"H{number(x)}V{number(y)}")
            else:
                drawn.append(f"L{number(x)} {number(y)}")
            last = y
        dashed = f' stroke-dasharray="{its.dash}"' if its.dash else ""
        self.parts.append(f'<path class="{its.name}" d="{"".join(drawn)}" fill="none" stroke="{its.colour}" stroke-width="2.2"{dashed}/>')

    def band(self, upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]], its: Dress) -> None:
        """Fill the place between two lines."""
        points = " ".join(f"{number(x)},{number(y)}" for x, y in (*upper, *reversed(lower)))
        self.parts.append(f'<polygon class="{its.name} fill" points="{points}" fill="{its.colour}" fill-opacity="0.16"/>')

    def whisker(self, x: float, low: float, high: float, its: Dress) -> None:
        """Draw an interval as a vertical line with ends."""
        for x1, y1, x2, y2 in ((x, low, x, high), (x - 4, low, x + 4, low), (x - 4, high, x + 4, high)):
            self.line(x1, y1, x2, y2, stroke=its.colour, kind=its.name, width=1.4)

    def mark(self, x: float, y: float, its: Dress) -> None:
        """Draw the symbol of a line at a place."""
        if its.symbol == "circle":
            shape = f'<circle class="{its.name} fill" cx="{number(x)}" cy="{number(y)}" r="4.2"'
        else:
            corners = _SYMBOLS[its.symbol]
            points = " ".join(f"{number(x + dx)},{number(y + dy)}" for dx, dy in corners)
            shape = f'<polygon class="{its.name} fill" points="{points}"'
        self.parts.append(f'{shape} fill="{its.colour}" stroke="{PAPER}" stroke-width="1"/>')

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        at: str = "start",
        fill: str = INK_2,
        kind: str = "ink",
        size: float = 12,
        bold: bool = False,
    ) -> None:
        """Write words at a place: `at` is start, middle or end."""
        weight = ' font-weight="600"' if bold else ""
        place = f'x="{number(x)}" y="{number(y)}" text-anchor="{at}"'
        self.parts.append(
            f'<text class="{kind}" {place} fill="{fill}" font-size="{number(size)}" font-family="{FONT}"{weight}>{escape(words)}</text>'
        )

    def svg(self) -> str:
        """Return the drawing."""
        size = f'viewBox="0 0 {number(self.width)} {number(self.height)}" width="{number(self.width)}" height="{number(self.height)}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(self.parts)}</svg>'


_SYMBOLS = {
    "diamond": ((0, -5.4), (5.4, 0), (0, 5.4), (-5.4, 0)),
    "square": ((-4, -4), (4, -4), (4, 4), (-4, 4)),
    "triangle": ((0, -5), (5, 4), (-5, 4)),
}


def number(value: float) -> str:
    """Write a coordinate to a hundredth, as short as it can be."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values between two ends, about as many as asked."""
    span = high - low
    step = next(step for step in _steps(span) if span / step <= about)
    first = -(-low // step)
    return [step * place for place in range(int(first), int(high // step) + 1)]


def _steps(span: float) -> Iterable[float]:
    size = 1.0
    while size > span:
        size /= 10
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10

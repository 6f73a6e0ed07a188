"""The picture of docs/benchmarks.md: time against error of every system on every set, as plain SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from statistics import median

from rows import Row, timed

from fieldmark.stats import wilson

WIDTH, HEIGHT = 860, 470
LEFT, RIGHT, TOP, BOTTOM = 64, 250, 28, 54
COLOURS = ("#0b7a53", "#c4721a", "#7a5bb5", "#b8324f", "#2f6fb0", "#5c6670")
"""One a system: each at least 3 : 1 on white, and told apart by those who see no red or green."""
MARKS = (
    "M0 -6A6 6 0 1 0 0 6A6 6 0 1 0 0 -6Z",
    "M-5.5 -5.5H5.5V5.5H-5.5Z",
    "M0 -7L6.5 5H-6.5Z",
    "M0 -7.5L7.5 0L0 7.5L-7.5 0Z",
    "M-7 -4H7L0 7Z",
)
"""One a set, drawn around the origin."""


class Axes:
    """From seconds and error to places in the picture."""

    def __init__(self, seconds: Sequence[float], errors: Sequence[float]) -> None:
        self.low, self.high = floor(log10(min(seconds))), log10(_round_up(max(seconds)))
        self.top = max(0.02, max(errors) * 1.08)

    def x(self, seconds: float) -> float:
        """Logarithmic, left to right."""
        share = (log10(seconds) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, error: float) -> float:
        """Linear, 0 at the bottom."""
        return HEIGHT - BOTTOM - error / self.top * (HEIGHT - TOP - BOTTOM)


def write_plot(rows: Sequence[Row], path: Path) -> None:
    """Draw a point for each system and set that had the machine to itself: median seconds, pooled error, 95 % interval."""
    systems, sets = (list(dict.fromkeys(getattr(row, what) for row in rows)) for what in ("system", "photos"))
    groups = {
        (s, name): own
        for s in systems
        for name in sets
        if timed(own := [r for r in rows if (r.system, r.photos) == (s, name)])
    }
    if not groups:
        return
    intervals = {
        k: wilson(sum(len(r.wrong) for r in own), sum(r.n for r in own)) for k, own in groups.items()
    }
    axes = Axes([r.seconds for r in timed(rows)], [high for _, high in intervals.values()])
    parts = [*_frame(axes), *_legend(systems, sets)]
    for (system, name), own in groups.items():
        wrong, n = sum(len(r.wrong) for r in own), sum(r.n for r in own)
        x, (low, high) = axes.x(median(r.seconds for r in timed(own))), intervals[system, name]
        colour = COLOURS[systems.index(system) % len(COLOURS)]
        words = f"{system}, {name}: {median(r.seconds for r in timed(own)):.1f} s, {wrong} of {n} wrong"
        parts.append(
            f'<g stroke="{colour}"><title>{escape(words)}</title>'
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{axes.y(low):.1f}" y2="{axes.y(high):.1f}" stroke-opacity=".45"/>'
            f'<path d="{MARKS[sets.index(name) % len(MARKS)]}" transform="translate({x:.1f} {axes.y(wrong / n):.1f})" '
            f'fill="{colour}" stroke="#fff"/></g>'
        )
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Time against error of all systems" font-family="system-ui, sans-serif" font-size="13" fill="#24292f">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n",
        "utf-8",
    )


def _round_up(seconds: float) -> float:
    """The next of 1, 2, 5, 10, 20 …"""
    power = 10.0 ** floor(log10(seconds))
    return next(
        factor * power for factor in (1, 2, 5, 10) if factor * power >= seconds * 1.02 or factor == 10
    )


def _frame(axes: Axes) -> Iterable[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    step = next(s for s in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2) if axes.top / s <= 6.5 or s == 0.2)
    for number in range(int(axes.top / step) + 1):
        y = axes.y(number * step)
        yield f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e3e6ea"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{100 * number * step:g} %</text>'
    for power in range(axes.low, ceil(axes.high) + 1):
        for factor in (1, 2, 5):
            seconds = factor * 10.0**power
            if log10(seconds) <= axes.high + 1e-9:
                x = axes.x(seconds)
                yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="#e3e6ea"/>'
                yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{seconds:g}</text>'
    middle = (LEFT + right) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">seconds from folder to model, logarithmic</text>'
    yield f'<text x="{LEFT}" y="{TOP - 10}">photos wrong, with 95 % interval</text>'


def _legend(systems: Sequence[str], sets: Sequence[str]) -> Iterable[str]:
    x, y = WIDTH - RIGHT + 24, TOP + 12
    for index, system in enumerate(systems):
        colour = COLOURS[index % len(COLOURS)]
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 20}" y="{y}">{escape(system)}</text>'
        y += 22
    y += 12
    for index, name in enumerate(sets):
        yield f'<path d="{MARKS[index % len(MARKS)]}" transform="translate({x + 6} {y - 4})" fill="#5c6670"/>'
        yield f'<text x="{x + 20}" y="{y}">{escape(name)}</text>'
        y += 22

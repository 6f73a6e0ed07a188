"""Is one system's error lower than another's, on the same photos? Intervals of the paired difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import median

from rows import Row
from scipy.optimize import brentq

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Paired:
    """Two systems on the same held-out photos of the same splits."""

    n: int
    """Photos judged, those of every split counted."""
    only_first: int
    """Wrong by the first alone."""
    only_second: int
    """Wrong by the second alone."""
    repeats: float
    """How much wider the interval is (in variance) because one photo can be held out in several splits; at least 1."""

    @property
    def difference(self) -> float:
        """Error of the first less error of the second; negative is less error."""
        return (self.only_first - self.only_second) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference."""
        n = self.n / self.repeats
        return tango(self.only_first / self.repeats, self.only_second / self.repeats, n)


def paired(first: Iterable[Row], second: Iterable[Row]) -> Paired | None:
    """Pair the rows of two systems by set, seed and machine; None where no two belong together."""
    others = {(row.photos, row.seed, row.machine): row for row in second}
    pairs = [(row, others[k]) for row in first if (k := (row.photos, row.seed, row.machine)) in others]
    if not pairs:
        return None
    only: list[Counter[str]] = [Counter(), Counter()]
    for one, two in pairs:
        for counter, mine, yours in ((only[0], one, two), (only[1], two, one)):
            counter.update(f"{one.photos}/{path}" for path in set(mine.wrong) - set(yours.wrong))
    a, b = only
    squares = sum((a[photo] - b[photo]) ** 2 for photo in a | b)
    changed = a.total() + b.total()
    return Paired(sum(one.n for one, _ in pairs), a.total(), b.total(), max(1.0, squares / max(changed, 1)))


def ratios(first: Iterable[Row], second: Iterable[Row], what: str = "seconds") -> list[float]:
    """How many times longer each of `second` took than its partner among `first`; of runs that had the machine to themselves."""
    mine = {(row.photos, row.seed, row.machine): row for row in first}
    pairs = [(mine[k], row) for row in second if (k := (row.photos, row.seed, row.machine)) in mine]
    alone = [pair for pair in pairs if all(row.is_alone for row in pair)]
    return [b / a for a, b in ((getattr(one, what), getattr(two, what)) for one, two in alone) if a and b]


def median_ratio(first: Iterable[Row], second: Iterable[Row], what: str = "seconds") -> float | None:
    """The median of `ratios`; None without pairs."""
    found = ratios(first, second, what)
    return median(found) if found else None


def tango(b: float, c: float, n: float) -> tuple[float, float]:
    """Score interval of the paired difference (b − c) / n, right also where nothing differs.

    Tango (1998), Statistics in Medicine 17: 891–908.
    """

    def score(delta: float) -> float:
        first, second = 2 * n, -b - c + (2 * n - b + c) * delta
        third = -c * delta * (1 - delta)
        q = (sqrt(max(second * second - 4 * first * third, 0.0)) - second) / (2 * first)
        variance = n * (2 * q + delta * (1 - delta))
        return (b - c - n * delta) / sqrt(max(variance, 1e-12))

    found, edge = (b - c) / n, 1 - 1e-9
    low = brentq(lambda d: score(d) - Z_95, -edge, found) if score(-edge) > Z_95 else -1.0
    high = brentq(lambda d: score(d) + Z_95, found, edge) if score(edge) < -Z_95 else 1.0
    return float(low), float(high)

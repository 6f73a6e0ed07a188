"""How many answers of how many are right, and how far that can be relied on."""

from __future__ import annotations

from fieldmark.stats import Interval, wilson


class RightOf:
    """What has `right` answers of `n`: their share, with its interval."""

    n: int
    right: int

    @property
    def accuracy(self) -> float:
        """Share of right answers; ZeroDivisionError where none was given."""
        return self.right / self.n

    @property
    def ci(self) -> Interval:
        """95 % interval of `accuracy` (Wilson)."""
        return wilson(self.right, self.n)

"""How many visitors there are: each has a kernel, and a machine has room for so many.

The kernels that Voilà keeps ready are nobody's yet, so the kernel manager's own list counts too many; and pages
that are being opened have none yet, so it counts too few.
"""

from __future__ import annotations

from collections.abc import Collection


class Visitors:
    """Lets visitors in until every place is taken."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._opening = 0
        self._kernels: set[str] = set()
        self._claimed: set[str] = set()

    def enter(self, alive: Collection[str]) -> bool:
        """Take a place, unless all are taken; whoever got one calls `opened` when the page is there.

        Args:
            alive: the kernels there are; a visitor whose kernel has ended makes room.
        """
        self._kernels &= set(alive)
        self._claimed &= set(alive)
        if len(self._kernels) + self._opening >= self.limit:
            return False
        self._opening += 1
        return True

    def claim(self, kernel: str) -> None:
        """Note that a page has connected to its kernel: somebody is there."""
        self._claimed.add(kernel)

    def is_claimed(self, kernel: str) -> bool:
        """Whether a page ever connected to this kernel; a robot that only reads the page never does."""
        return kernel in self._claimed

    def opened(self, kernel: str | None) -> None:
        """Keep the place for as long as this kernel lives; without one (the page failed) give it back."""
        self._opening -= 1
        if kernel is not None:
            self._kernels.add(kernel)

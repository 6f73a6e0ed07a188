"""What is shown beside one whole photo: label and suggestion, probabilities, where the model looked, its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Words = dict[str, object]


@dataclass(frozen=True)
class CloseUp:
    """One photo, as the panel beside it tells; an empty part is not shown."""

    title: str
    """The label it has, and the suggestion."""
    why: tuple[str, ...] = ()
    """What is probably wrong with it, in sentences."""
    bars: tuple[tuple[str, float, bool], ...] = ()
    """Class, probability, whether it is the given label; the most probable first."""
    facts: tuple[tuple[str, str], ...] = ()
    """Name and value: loss, file, source, licence …"""
    page: str = ""
    """The web page it was found on."""
    map_png: bytes = b""
    """Where the model looked, to lie over `map_region` of the photo."""
    map_label: str = ""
    """Of which class that is the evidence."""
    map_region: tuple[float, float, float, float] = (0, 0, 1, 1)
    """Left, top, right, bottom, as shares of width and height."""
    neighbours: tuple[tuple[str, bytes], ...] = ()
    """Label and thumbnail of the photos most like it."""

    def message(self) -> tuple[Words, Sequence[bytes]]:
        """What a page is sent: words, and as buffers the map and then the neighbours' thumbnails."""
        words: Words = {
            "title": self.title,
            "why": list(self.why),
            "bars": [list(bar) for bar in self.bars],
            "facts": [list(fact) for fact in self.facts],
            "page": self.page if self.page.startswith(("http://", "https://")) else "",
            "map_label": self.map_label,
            "map_region": list(self.map_region),
            "has_map": bool(self.map_png),
            "neighbours": [label for label, _ in self.neighbours],
        }
        pictures = [thumb for _, thumb in self.neighbours]
        return words, [self.map_png, *pictures] if self.map_png else pictures

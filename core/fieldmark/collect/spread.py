"""How varied collected photos are: a model learns what the photos have in common, wanted or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fieldmark.collect.outcome import Outcome

DARK = 50
"""Mean brightness, of 255, below which a photo was taken at night or in a wood."""
SMALL_PX = 224
"""Shorter side below which a photo is enlarged before the model sees it."""
ENOUGH = 20
"""Photos below which nothing is said: too few to have a spread."""
_SEASONS = ("winter", "spring", "summer", "autumn")


@dataclass(frozen=True)
class Spread:
    """Counts over collected photos."""

    n: int
    hosts: Counter[str]
    """Who keeps them."""
    authors: Counter[str]
    places: Counter[str]
    years: Counter[str]
    months: Counter[int]
    dark: int
    """Below DARK, or without colour."""
    small: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "n": self.n, "hosts": dict(self.hosts.most_common(10)), "authors": len(self.authors),
            "places": len(self.places), "years": dict(sorted(self.years.items())),
            "months": {str(month): n for month, n in sorted(self.months.items())}, "dark": self.dark, "small": self.small,
            "notes": self.sentences(),
        }  # fmt: skip

    def sentences(self) -> list[str]:
        """Say what is missing, as far as the counts tell; nothing for a handful."""
        return list(self._sentences()) if self.n >= ENOUGH else []

    def _sentences(self) -> Iterator[str]:
        host, of_host = next(iter(self.hosts.most_common(1)), ("", 0))
        author, of_author = next(iter(self.authors.most_common(1)), ("", 0))
        if of_host > 0.8 * self.n and len(self.hosts) > 1:
            yield f"{of_host} of {self.n} come from one place, {host}."
        if of_author > 0.2 * self.n:
            yield f"{of_author} of {self.n} are by one person, {author}: the same place and light, maybe the same animal."
        yield self._daylight()
        yield from self._dates()
        if self.small > 0.2 * self.n:
            yield f"{self.small} of {self.n} are smaller than {SMALL_PX} px and will be enlarged."

    def _daylight(self) -> str:
        if self.dark > 0.8 * self.n:
            return f"{self.dark} of {self.n} are dark or without colour: add photos by day, if the model is to know it then."
        if self.dark >= 0.2 * self.n:
            return f"{self.dark} of {self.n} are dark or without colour, {self.n - self.dark} by day: both are there."
        return (
            f"{self.dark} of {self.n} are dark or without colour. People show photos that came out well, mostly posed, near "
            "and by day; a camera in the field sees the back of an animal at night. If that is where the model is to "
            "work, add photos from there."
        )

    def _dates(self) -> Iterator[str]:
        dated = sum(self.months.values())
        if dated < ENOUGH:
            yield f"{f'Only {dated}' if dated else 'None'} of {self.n} say when they were taken."
            return
        seasons = Counter(_SEASONS[month % 12 // 3] for month in self.months.elements())
        missing = [season for season in _SEASONS if seasons[season] < 0.05 * dated]
        if missing:
            yield f"Of {dated} with a date, almost none are from {' and '.join(missing)} (as the north has it)."


def spread_of(outcomes: Iterable[Outcome]) -> Spread:
    """Count over photos that were added."""
    photos = [outcome for outcome in outcomes if outcome.status == "added"]
    dates = [photo.taken for photo in photos if photo.taken and len(photo.taken) >= 7]
    months = [int(date[5:7]) for date in dates if date[5:7].isdigit() and 1 <= int(date[5:7]) <= 12]
    return Spread(
        n=len(photos),
        hosts=Counter(photo.source or _host(photo) for photo in photos),
        authors=Counter(photo.author for photo in photos if photo.author),
        places=Counter(photo.place for photo in photos if photo.place),
        years=Counter(date[:4] for date in dates),
        months=Counter(months),
        dark=sum(photo.is_grey or (photo.light is not None and photo.light < DARK) for photo in photos),
        small=sum(min(photo.width, photo.height) < SMALL_PX for photo in photos),
    )


def _host(photo: Outcome) -> str:
    return urlsplit(photo.page or photo.url).hostname or ""

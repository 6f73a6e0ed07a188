"""A photo that has come: looked at, kept on the disk, and on its way into the catalog."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import numpy as np

from fieldmark.catalog import Catalog
from fieldmark.catalog.planning import NewPhoto
from fieldmark.collect.candidate import Candidate
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.outcome import Ledger, Outcome, address_key
from fieldmark.errors import BadImageError
from fieldmark.images import Photo, open_photo
from fieldmark.imaging.capture import capture_time

DECODED_PX = 64
"""A photo is decoded as small as this to know that it is whole, and how bright it is."""
GREY_SPREAD = 6.0
"""Mean distance of the colours of a photo, of 255, up to which it has none: infrared, or black and white."""
LICENCE_UNKNOWN = "licence unknown"
_CUT = ("truncated", "empty")
"""Reasons that may have been the connection's fault."""


@dataclass(frozen=True)
class Arrival:
    """A photo on the disk, and what is known of it."""

    outcome: Outcome
    file: Path


class Receiver:
    """Takes bytes in, in any thread; what it has taken outlasts the process."""

    def __init__(self, catalog: Catalog, ledger: Ledger, provider: str) -> None:
        self._catalog, self._ledger, self._provider = catalog, ledger, provider
        self._folder = catalog.incoming
        self._lying = {path.name for path in self._folder.iterdir()}  # asked once, as is what the dataset has
        self._lock = threading.Lock()
        self._came: dict[str, tuple[str, str]] = {}  # hash of what came in this run -> label and address
        # A question to the database for every photo cost a fifth of the processor's time.
        in_use = [*catalog.photos(), *catalog.photos(status="unlabelled")]
        self._there = {photo.hash: photo.path for photo in in_use}

    def place(self, label: str, url: str) -> Path:
        """Where the bytes of an address are kept until the catalog has them."""
        return self._folder / f"collect-{address_key(label, url)}"

    def arrived(self, label: str, url: str) -> bytes | None:
        """The bytes of an address that an earlier run fetched and did not get to note; None for nearly all."""
        place = self.place(label, url)
        if place.name not in self._lying:
            return None
        self._lying.remove(place.name)
        return place.read_bytes() if place.is_file() else None

    def left_over(self) -> list[Arrival]:
        """Give what had arrived when a process was killed, and write down what the catalog had taken already."""
        waiting = []
        for outcome in [o for o in self._ledger.outcomes() if o.status == "arrived"]:
            place = self.place(outcome.label, outcome.url)
            if place.is_file():
                self._came[outcome.hash] = (outcome.label, outcome.url)
                waiting.append(Arrival(outcome, place))
            elif self._catalog.with_hash([outcome.hash]):
                self._ledger.write(replace(outcome, status="added"))
        return waiting

    def receive(self, candidate: Candidate, label: str, data: bytes) -> Arrival | Outcome:
        """Look at a photo's bytes and keep them, or say why not."""
        about = self._about(candidate, label)
        try:
            photo = open_photo(data, need_px=DECODED_PX)
        except BadImageError as exc:
            return replace(about, status="failed", code=exc.code, reason=str(exc), passing=exc.code in _CUT)
        about = _described(about, photo, data)
        place = self.place(label, candidate.url)
        if (known := self._known(about)) is not None:
            place.unlink(missing_ok=True)
            return replace(about, status="duplicate", code="duplicate", reason=f"The same bytes as {known}.")
        if not place.is_file():
            _write(place, data)
        self._ledger.write(about)
        return Arrival(about, place)

    def failed(self, candidate: Candidate, label: str, failure: FetchFailed) -> Outcome:
        """Say that an address gave nothing."""
        about = self._about(candidate, label)
        return replace(
            about, status="failed", code=failure.code, reason=str(failure), passing=failure.passing
        )

    def _about(self, candidate: Candidate, label: str) -> Outcome:
        licence = candidate.licence.name if candidate.licence else LICENCE_UNKNOWN
        return Outcome(
            candidate.url, label, "arrived", provider=self._provider, source=candidate.source, licence=licence,
            author=candidate.author, page=candidate.page, place=candidate.place, taken=candidate.taken,
        )  # fmt: skip

    def _known(self, outcome: Outcome) -> str | None:
        """Name what has these bytes already, in the dataset or on its way there."""
        this = (outcome.label, outcome.url)
        with self._lock:
            first = self._came.setdefault(outcome.hash, this)
        return first[1] if first != this else self._there.get(outcome.hash)


def new_photo(arrival: Arrival) -> NewPhoto:
    """Say what the catalog is to know of a photo."""
    outcome = arrival.outcome
    captured = _date(outcome.taken)
    return NewPhoto(
        arrival.file, outcome.hash, outcome.label, _name(outcome), outcome.width, outcome.height, captured,
        _group(outcome, captured), None, outcome.url, outcome.licence, outcome.author, outcome.page,
    )  # fmt: skip


def _group(outcome: Outcome, captured: datetime | None) -> str | None:
    """What one person took on one day often shows one animal on one spot: the split keeps it on one side."""
    return f"{outcome.author}, {captured.date()}" if outcome.author and captured else None


def _name(outcome: Outcome) -> str:
    """Call a photo after its address; many are called "large.jpg", so the part before it goes with that."""
    parts = [part for part in unquote(urlsplit(outcome.url).path).split("/") if part.strip(".")]
    name = "-".join(parts[-2:])[-100:] or outcome.hash[:16]
    return name if PurePosixPath(name).suffix else f"{name}.jpg"


def _described(outcome: Outcome, photo: Photo, data: bytes) -> Outcome:
    pixels = np.asarray(photo.image)  # (height, width, 3)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    brightest = np.maximum(np.maximum(red, green), blue)
    spread = float((brightest - np.minimum(np.minimum(red, green), blue)).mean())
    taken = capture_time(data).taken
    return replace(
        outcome,
        hash=hashlib.sha256(data).hexdigest(),
        width=photo.width,
        height=photo.height,
        light=round(float(pixels.mean())),
        is_grey=spread <= GREY_SPREAD,
        taken=taken.isoformat() if taken else outcome.taken,
    )


def _date(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _write(place: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all."""
    part = place.with_name(f"{place.name}.part-{threading.get_ident()}")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(place)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)

"""What a camera sees when nothing is there, by day and by night, and where a frame differs from it.

A camera that hangs still sees the same view for weeks. The median of the frames before and after a frame, by the same
light, is that view without what only passed; what differs from it by more than it usually wavers, passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldmark.images import open_photo
from fieldmark.imaging.resize import Box

WIDTH, HEIGHT = 160, 120
"""A frame is compared at this size: enough to see a mouse, and a thousand frames are 19 MB."""
FEWEST, MOST = 5, 21
"""Other frames that make a background: with fewer nothing is said, and more are not looked at."""
STEADIEST = 0.15
"""A view never wavers by less than this share of its contrast: JPEG and moved leaves."""
PATCH = 7
"""Pixels, of the small frame, over which differences are averaged: one pixel alone is noise."""
STRIP = 0.06
"""Share of the height, above and below, that is not compared: there many cameras write the time and the moon."""
SOMETHING = 3.0
"""From here on `how_different` says that something is there: of 300 frames of three cameras in boxes for small mammals
62 of the 63 with an animal lie above it, and 217 of the 237 without lie below (`make bench-crops`)."""
HIGHEST = 99
"""Percentile of the differences that stands for a frame: a hundredth of it is a mouse, and more than a few bright spots."""

Grey = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Small:
    """A frame, small and grey, with what decides which frames it is compared with."""

    grey: Grey
    """(HEIGHT, WIDTH), without its own brightness and contrast."""
    at: datetime
    is_night: bool


def small_grey(data: bytes) -> Grey:
    """Shrink a frame to (HEIGHT, WIDTH), its median at 0 and its usual deviation at 1.

    Raises:
        BadImageError: the bytes are no photo.
    """
    image = open_photo(data, need_px=HEIGHT).image.convert("L")
    return standard(np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float32))


def standard(grey: Grey) -> Grey:
    """Take brightness and contrast out, so that dusk and another exposure do not count as a difference."""
    centred = grey - np.median(grey)
    return np.asarray(centred / max(1.0, float(np.median(np.abs(centred)))), np.float32)


def differences(frames: Sequence[Small], *, apart: timedelta) -> list[Grey | None]:
    """Say of each frame of a camera where, and by how much, it differs from the camera's own background.

    Args:
        frames: of one camera, in order of time.
        apart: frames closer than this are of the same visit, and are no background to each other.
    Returns:
        (HEIGHT, WIDTH) for each, in units of how far the view usually wavers there; None where there are too few
        other frames of the same light.
    """
    maps: list[Grey | None] = [None] * len(frames)
    for light in (False, True):
        places = [i for i, frame in enumerate(frames) if frame.is_night == light]
        seconds = np.array([frames[i].at.timestamp() for i in places])
        for own, place in enumerate(places):
            away = np.abs(seconds - seconds[own])
            others = [j for j in np.argsort(away, kind="stable") if away[j] > apart.total_seconds()][:MOST]
            if len(others) >= FEWEST:
                maps[place] = difference(frames[place].grey, [frames[places[j]].grey for j in others])
    return maps


def difference(grey: Grey, others: Sequence[Grey]) -> Grey:
    """Compare a frame with the background that others make; both as `standard` gives them."""
    from scipy.ndimage import uniform_filter

    stack = np.stack(others)  # (n, HEIGHT, WIDTH)
    usual = np.median(stack, axis=0)
    wavers = np.median(np.abs(stack - usual), axis=0)
    wavers = np.maximum(uniform_filter(wavers, PATCH), STEADIEST)
    strip, moved = round(HEIGHT * STRIP), np.abs(grey - usual) / wavers
    moved[:strip] = moved[-strip:] = 0
    return np.asarray(uniform_filter(moved, PATCH), np.float32)


def how_different(found: Grey) -> float:
    """Say in one number how far a frame differs, in units of how far the view usually wavers."""
    return float(np.percentile(found, HIGHEST))


def where_different(found: Grey, *, least: float = SOMETHING, share: float = 0.5) -> Box | None:
    """Give the part of the frame that differs most: left, top, right, bottom as fractions; None where nothing does.

    Args:
        least: nothing differs unless `how_different` reaches it.
        share: of the largest difference, down to which its surroundings belong to it.
    """
    from scipy.ndimage import label

    highest = float(found.max())
    if how_different(found) < least:
        return None
    regions, _ = label(found >= highest * share)
    top = np.unravel_index(int(found.argmax()), found.shape)
    rows, columns = np.nonzero(regions == regions[top])
    return (
        float(columns.min()) / WIDTH,
        float(rows.min()) / HEIGHT,
        float(columns.max() + 1) / WIDTH,
        float(rows.max() + 1) / HEIGHT,
    )

"""Small copies of frames that have just come: a photo of 12 megapixels is decoded once, and not once more to be predicted."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict

from PIL import Image

from fieldmark.imaging.looks import LOOK_PX
from fieldmark.station.framelook import FrameLook

SMALLEST_SCALE = 8
"""A JPEG is decoded at an eighth at most. Where an eighth is still larger than what is looked at, the small copy is to the
last bit what a model of that size, or a smaller one, would decode itself."""
MOST = 64
"""Copies that wait for a model, 0.6 MB each; what comes faster is decoded again."""


class Smalls:
    """Keeps the copies of the latest frames; safe between threads."""

    def __init__(self, *, most: int = MOST) -> None:
        """Keep so many at most."""
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, sha256: str, image: Image.Image, look: FrameLook) -> None:
        """Keep what a frame was looked at by, where it is large enough; without loss, as a file that is quickly read."""
        if min(look.width, look.height) < SMALLEST_SCALE * LOOK_PX:
            return
        file = io.BytesIO()
        image.save(file, "BMP")
        with self._lock:
            self._kept[sha256] = file.getvalue()
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def get(self, sha256: str, *, size_px: int) -> bytes | None:
        """Give the copy for a model that looks at photos of `size_px`; None where there is none that serves it."""
        if size_px > LOOK_PX:
            return None
        with self._lock:
            return self._kept.get(sha256)

"""Many photos to batches of pixels: decoded in threads, in order, a few ahead of the engine.

Pillow lets go of Python's lock while it decodes and resizes, so threads use every core. No more than
a window of photos is held at a time: memory does not grow with the number of photos.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count, islice

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldmark.errors import BadImageError
from fieldmark.images import Photo, Source, open_photo
from fieldmark.imaging.file import read_source
from fieldmark.imaging.resize import ResizeRule, fit_photo

Square = npt.NDArray[np.uint8]  # (size, size, 3)
Fit = Callable[[Image.Image, int], Square]
"""From an upright photo and its place among those asked for to the square."""

Opened = Callable[[bytes, Photo, int], None]
"""Told of each photo that was opened, with the bytes of its file and its place; in threads. It may refuse the photo."""

WINDOW = 128
"""Photos decoded ahead: what a core decodes while the engine is compiled, and enough that it never waits; 25 MB at 256 px."""


def load_squares(
    sources: Iterable[Source],
    rule: ResizeRule,
    fit: Fit | None = None,
    *,
    opened: Opened | None = None,
    alone: bool = True,
) -> Iterator[Square | BadImageError]:
    """Decode photos, for the engine: one square or error each, in the order given.

    Args:
        fit: how a photo becomes a square where it is not simply fitted by `rule`; such as an augmented view,
            which is cut from up to twice the size.
        opened: who else has a use for the photo while it is open.
        alone: False where other threads decode meanwhile; then the one that asks does it, and starts no others.
    """
    need_px = rule.size_px if fit is None else 2 * rule.size_px
    made: Fit = fit or (lambda image, _place: fit_photo(image, rule))

    def square_or_error(source: Source, place: int) -> Square | BadImageError:
        try:
            data = read_source(source)
            photo = open_photo(data, need_px=need_px)
            if opened is not None:
                opened(data, photo, place)
            return made(photo.image, place)
        except BadImageError as error:
            return error

    if not alone or (isinstance(sources, Sequence) and len(sources) == 1):
        yield from map(square_or_error, sources, count())
        return
    ahead: deque[Future[Square | BadImageError]] = deque()
    with ThreadPoolExecutor(os.cpu_count() or 2, thread_name_prefix="decode") as pool:
        try:
            for place, source in enumerate(sources):
                ahead.append(pool.submit(square_or_error, source, place))
                if len(ahead) >= WINDOW:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()


def in_batches(squares: Iterable[Square], size: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Stack squares, for the engine: (size, H, W, 3), the last one perhaps shorter."""
    iterator = iter(squares)
    while batch := list(islice(iterator, size)):
        yield np.stack(batch)

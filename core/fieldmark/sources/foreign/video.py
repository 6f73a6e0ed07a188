"""Frames of a video: one a second, leaving out those that look like the one before.

Needs fieldmark[video]. PyAV's wheels bundle codecs under the GPL, so it is never installed unasked.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fieldmark.callbacks import Callback, Progress
from fieldmark.dataset import Rejected
from fieldmark.errors import DatasetError
from fieldmark.imaging.hashing import difference_hash, hash_distance
from fieldmark.sources.source import Candidate, Source

if TYPE_CHECKING:
    from PIL import Image

VIDEO_SUFFIXES = frozenset((".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"))
EVERY_S = 1.0
MOST_FRAMES = 1000
SAME_BITS = 3
"""Of 64 of a difference hash: frames this near are one picture."""
MOST_PIXELS = 50_000_000


def from_video(path: Path, staging: Path, callback: Callback) -> Source:
    """Write the frames of a video into `staging`; their label is the video's name, and they stay together in a split.

    Raises:
        DatasetError: `needs_extra` without PyAV; `bad_video` for what it cannot decode.
    """
    staging.mkdir(parents=True, exist_ok=True)
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    before = None
    for second, image in _frames(path, callback):
        name, looks = f"{path.stem}-{second:07.1f}s.jpg", difference_hash(image)
        if before is not None and hash_distance(looks, before) <= SAME_BITS:
            rejected.append(Rejected(Path(name), "same_frame", "It looks like the frame before it."))
            continue
        before = looks
        place = staging / f"frame-{len(candidates):05}.jpg"
        place.write_bytes(_encoded(image))
        candidates.append(Candidate(place, name, path.stem, group=path.name, source=path.name))
        if len(candidates) == MOST_FRAMES:
            break
    return Source(tuple(candidates), tuple(rejected), 0)


def _frames(path: Path, callback: Callback) -> Iterator[tuple[float, Image.Image]]:
    """Give a frame a second, with its time in seconds."""
    try:
        import av
    except ImportError as exc:
        raise DatasetError(
            "Frames of a video need the package PyAV. Install fieldmark[video]; its wheels bundle codecs under the GPL.",
            code="needs_extra",
        ) from exc
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if stream.width * stream.height > MOST_PIXELS:
                raise DatasetError(f"{path.name!r} has more than 50 megapixels a frame.", code="bad_video")
            length = float(container.duration or 0) / 1e6
            due = 0.0
            for frame in container.decode(stream):
                second = float(frame.time or 0.0)
                if second + 1e-6 < due:
                    continue
                due = second + EVERY_S
                callback(Progress("Taking frames", round(min(second, length)), round(length)))
                yield second, frame.to_image()
    except (av.FFmpegError, IndexError) as exc:
        raise DatasetError(
            f"{path.name!r} cannot be decoded as a video ({exc}). Copy it again, or save it as MP4.",
            code="bad_video",
        ) from exc


def _encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=92)
    return file.getvalue()

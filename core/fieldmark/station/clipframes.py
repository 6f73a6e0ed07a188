"""The frames that show what happened in a video, taken in a process of its own that can be killed.

Libraries that decode videos are known to hang, and on a damaged file to crash; so `read_clip` starts
`python -m fieldmark.station.clipframes FILE`, waits for a while, and goes on without it. Needs fieldmark[video].
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldmark.errors import BadImageError, StationError
from fieldmark.imaging.hashing import difference_hash, hash_distance
from fieldmark.sources.foreign.video import MOST_PIXELS, SAME_BITS

if TYPE_CHECKING:
    from PIL import Image

EVERY_S = 1.0
MOST_FRAMES = 12
"""Of a clip: a visit is judged by the mean over its frames, and more of them say little more."""
LONG_S = 120.0
"""A longer clip is read by its key frames alone, which decodes a hundredth of it."""
TIMEOUT_S = 120.0
"""After which whatever decodes is taken to hang."""
NEEDS_EXTRA = "Frames of a video need the package PyAV. Install fieldmark[video]; its wheels bundle codecs under the GPL."


@dataclass(frozen=True)
class ClipFrame:
    """A frame that was taken from a video."""

    second: float
    """From its beginning."""
    number: int
    """From 0."""
    jpeg: bytes


@dataclass(frozen=True)
class ClipContent:
    """What a video holds."""

    captured: datetime | None
    """When its recording began, by the file's own word: UTC, as the standard has it; None where it says nothing."""
    length_s: float
    frames_per_s: float
    frames: tuple[ClipFrame, ...]
    """At most one a second and MOST_FRAMES in all, spread evenly; without those that look like the one before."""


def read_clip(path: Path, *, timeout_s: float = TIMEOUT_S) -> ClipContent:
    """Take the frames of a video that show what happened.

    Raises:
        BadImageError: `bad_video`: it cannot be decoded, or that did not end in time.
        StationError: `needs_extra`: PyAV is not installed.
    """
    command = [sys.executable, "-m", "fieldmark.station.clipframes", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as exc:
        raise _bad(path, f"decoding did not end within {timeout_s:g} seconds") from exc
    head, _, frames = done.stdout.partition(b"\n")
    try:
        said = json.loads(head)
    except ValueError as exc:
        raise _bad(path, f"the decoder stopped, status {done.returncode}") from exc
    if said.get("error") == "needs_extra":
        raise StationError(NEEDS_EXTRA, code="needs_extra")
    if "error" in said or not said["frames"]:
        raise _bad(path, said.get("error") or "no frame in it can be read")
    return _content(said, frames)


def _bad(path: Path, why: str) -> BadImageError:
    return BadImageError(
        f"{path.name!r} cannot be used as a video ({why}). Copy it again, or save it as MP4.",
        code="bad_video",
    )


def _content(said: dict[str, Any], data: bytes) -> ClipContent:
    frames, start = [], 0
    for second, number, size in said["frames"]:
        frames.append(ClipFrame(second, number, data[start : start + size]))
        start += size
    captured = datetime.fromisoformat(said["captured"]) if said["captured"] else None
    return ClipContent(captured, said["length_s"], said["frames_per_s"], tuple(frames))


def take_frames(path: Path) -> tuple[dict[str, Any], bytes]:
    """Decode a video, in the process that may be killed; gives the first line of its answer, and the frames."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.width * stream.height > MOST_PIXELS:
            return {"error": "more than 50 megapixels a frame"}, b""
        length = float(container.duration or 0) / 1e6
        if length > LONG_S:
            stream.codec_context.skip_frame = "NONKEY"
        rate = float(stream.average_rate or 0)
        chosen = _spread(_distinct(_each_second(container.decode(stream), rate)))
        said = {
            "captured": _captured(container.metadata | stream.metadata),
            "length_s": length,
            "frames_per_s": rate,
            "frames": [(frame.second, frame.number, len(frame.jpeg)) for frame in chosen],
        }
        return said, b"".join(frame.jpeg for frame in chosen)


def _captured(metadata: dict[str, str]) -> str | None:
    try:
        return datetime.fromisoformat(metadata.get("creation_time", "")).isoformat()
    except ValueError:
        return None


def _each_second(decoded: Iterator[Any], rate: float) -> Iterator[tuple[float, int, Image.Image]]:
    """Give a frame a second; a file that breaks off gives what came before."""
    import av

    due = 0.0
    try:
        for frame in decoded:
            second = float(frame.time or 0.0)
            if second + 1e-6 < due:
                continue
            due = second + EVERY_S
            yield second, round(second * rate), frame.to_image()
    except av.FFmpegError:
        return


def _distinct(frames: Iterator[tuple[float, int, Image.Image]]) -> Iterator[ClipFrame]:
    before = None
    for second, number, image in frames:
        looks = difference_hash(image)
        if before is not None and hash_distance(looks, before) <= SAME_BITS:
            continue
        before = looks
        file = io.BytesIO()
        image.convert("RGB").save(file, "JPEG", quality=92)
        yield ClipFrame(second, number, file.getvalue())


def _spread(frames: Iterator[ClipFrame]) -> list[ClipFrame]:
    """Keep an even share of the frames, with never more than twice MOST_FRAMES in memory."""
    kept: list[ClipFrame] = []
    step = 1
    for place, frame in enumerate(frames):
        if place % step == 0:
            kept.append(frame)
        if len(kept) > 2 * MOST_FRAMES:
            kept, step = kept[::2], 2 * step
    return kept if len(kept) <= MOST_FRAMES else kept[::2][:MOST_FRAMES]


def _main() -> None:
    try:
        said, frames = take_frames(Path(sys.argv[1]))
    except ImportError:
        said, frames = {"error": "needs_extra"}, b""
    except (
        Exception
    ) as exc:  # on hostile bytes a decoder may raise anything, and this process is there for that
        said, frames = {"error": str(exc) or type(exc).__name__}, b""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + frames)


if __name__ == "__main__":
    _main()

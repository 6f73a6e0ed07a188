"""Photos to begin with, for visitors who have none at hand."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from fieldmark.images import encode_display
from fieldmark_widgets.strings.classify import SAMPLES
from fieldmark_widgets.transfer import Upload

THUMB_PX = 176
"""Side of a square thumbnail: 88 px on a screen of double density."""

FILES = {"cat": "chelsea.png", "coffee": "coffee.png"}
"""Files that scikit-image installs; its data module says of them: CC0, by Stéfan van der Walt and Rachel Michetti."""


@dataclass(frozen=True)
class Sample:
    """A photo that is a click away."""

    name: str
    title: str
    thumb: bytes
    """A square JPEG."""


@cache
def samples() -> tuple[Sample, ...]:
    """The photos there are; none where scikit-image is not installed."""
    return tuple(
        Sample(name, SAMPLES[name], _thumb(path)) for name in FILES if (path := _path(name)) is not None
    )


def sample_photo(name: str) -> Upload:
    """Give one of the samples as if it had been uploaded.

    Raises:
        KeyError: there is none of this name.
    """
    path = _path(name)
    if path is None:
        raise KeyError(name)
    return Upload(f"{name}.png", path.read_bytes())


def _path(name: str) -> Path | None:
    """Where the file lies; found without importing scikit-image, which takes its time."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "data" / FILES[name]
    return path if path.is_file() else None


def _thumb(path: Path) -> bytes:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").crop((left, top, left + side, top + side))
    return encode_display(square, max_px=THUMB_PX, quality=80)

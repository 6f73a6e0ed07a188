"""Frames of a camera that does not exist, composed from photographs that scikit-image ships and that are CC0.

A cat-flap camera: grass or gravel, by day in colour, by night grey, dark and noisy; now and then a cat, or a person.
It is for trying the station and for its tests, and says nothing of how good any model is on real cameras.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Subject = Literal["cat", "person", "nothing"]

WIDTH, HEIGHT = 640, 480
TINTS = ((150, 200, 90), (200, 190, 175), (165, 175, 110), (185, 165, 140))
"""Colours of the ground at the cameras, in turn."""
DAY_BEGINS, DAY_ENDS = 6, 20
"""Local hours between which cameras take colours."""
NOISE_DAY, NOISE_NIGHT = 2.0, 8.0
NIGHT_LIGHT = 0.6


@dataclass(frozen=True)
class Scene:
    """What a camera sees at one moment."""

    camera: int
    """Number of the camera, which has a ground of its own."""
    at: datetime
    """Local time: decides the light."""
    subject: Subject
    seed: int
    """Of where the subject is, how large, and of the noise."""

    @property
    def is_night(self) -> bool:
        """Whether the camera's lamp is on."""
        return not DAY_BEGINS <= self.at.hour < DAY_ENDS


def render(scene: Scene, *, written: datetime) -> bytes:
    """Compose the frame as a JPEG; `written` is what the camera's clock says, and goes into its EXIF."""
    rng = np.random.default_rng(scene.seed)
    frame = _ground(scene.camera).copy()
    if scene.subject != "nothing":
        _paste(frame, scene.subject, rng)
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0132] = written.strftime("%Y:%m:%d %H:%M:%S")
    _lit(frame, scene, rng).save(buffer, "JPEG", quality=88, exif=exif)
    return buffer.getvalue()


@cache
def _ground(camera: int) -> Image.Image:
    """The ground of a camera: always the same, as a camera on a tree sees it."""
    from skimage import data

    texture = data.grass() if camera % 2 == 0 else data.gravel()
    left = 20 * (camera % 5)
    grey = Image.fromarray(texture).convert("L").crop((left, 0, left + 400, 300)).resize((WIDTH, HEIGHT))
    light = np.asarray(grey, np.float32)[..., None] / 255
    return Image.fromarray(np.uint8(light * np.array(TINTS[camera % len(TINTS)])))


@cache
def _cut_out(subject: Subject) -> tuple[Image.Image, Image.Image]:
    """A subject and its soft mask."""
    from skimage import data

    picture = Image.fromarray(data.chelsea() if subject == "cat" else data.astronaut()[:400, 60:400])
    mask = Image.new("L", picture.size)
    edge = min(picture.size) // 8
    ImageDraw.Draw(mask).ellipse([edge, edge, picture.width - edge, picture.height - edge], fill=255)
    return picture, mask.filter(ImageFilter.GaussianBlur(edge / 1.5))


def _paste(frame: Image.Image, subject: Subject, rng: np.random.Generator) -> None:
    picture, mask = _cut_out(subject)
    height = int(HEIGHT * rng.uniform(0.6, 0.95))
    size = (height * picture.width // picture.height, height)
    picture, mask = picture.resize(size), mask.resize(size)
    if rng.random() < 0.5:
        picture, mask = (image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in (picture, mask))
    left = int(rng.uniform(-0.1, 1.1) * max(WIDTH - size[0], 0))
    frame.paste(picture, (left, HEIGHT - height - int(rng.integers(0, 20))), mask)


def _lit(frame: Image.Image, scene: Scene, rng: np.random.Generator) -> Image.Image:
    """By night grey, dark and noisy; by day as bright as the hour."""
    pixels: npt.NDArray[np.float32]
    if scene.is_night:
        pixels = np.repeat(np.asarray(frame.convert("L"), np.float32)[..., None], 3, axis=2) * NIGHT_LIGHT
        pixels += rng.normal(0, NOISE_NIGHT, pixels.shape[:2]).astype(np.float32)[..., None]
    else:
        noon = 1 - abs(scene.at.hour + scene.at.minute / 60 - 13) / 14
        pixels = np.asarray(frame, np.float32) * np.float32(0.6 + 0.4 * noon)
        pixels = pixels + rng.normal(0, NOISE_DAY, pixels.shape).astype(np.float32)
    return Image.fromarray(np.uint8(np.clip(pixels, 0, 255)))

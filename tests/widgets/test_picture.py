from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from fieldmark.errors import BadImageError
from fieldmark.predictor import ActivationMap
from fieldmark_widgets.picture import SHOWN_PX, THUMB_PX, draw_map, make_picture


def test_a_large_photo_is_shown_small(make_jpeg: Callable[..., bytes]) -> None:
    picture = make_picture(make_jpeg(size=(4000, 3000)))
    shown = Image.open(io.BytesIO(picture.jpeg))
    assert shown.size == (picture.width, picture.height) == (SHOWN_PX, 768)
    assert Image.open(io.BytesIO(picture.thumb)).size == (THUMB_PX, THUMB_PX)


def test_a_small_photo_is_not_blown_up(make_jpeg: Callable[..., bytes]) -> None:
    picture = make_picture(make_jpeg(size=(40, 30)))
    assert (picture.width, picture.height) == (40, 30)


def test_metadata_does_not_reach_the_browser() -> None:
    image = Image.new("RGB", (60, 40), "red")
    exif = image.getexif()
    exif[0x010E] = "a secret place"
    exif[0x0112] = 6  # turned by a quarter
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, comment=b"a secret comment")
    picture = make_picture(buffer.getvalue())
    assert (picture.width, picture.height) == (40, 60)
    for shown in (picture.jpeg, picture.thumb):
        assert b"secret" not in shown
        assert not Image.open(io.BytesIO(shown)).getexif()


def test_what_is_no_photo_has_no_picture() -> None:
    with pytest.raises(BadImageError):
        make_picture(b"hello")


def read_overlay(values: list[list[float]]) -> np.ndarray:
    overlay = Image.open(io.BytesIO(draw_map(ActivationMap(np.array(values, np.float32), (0, 0, 1, 1)))))
    assert overlay.mode == "RGBA"
    return np.asarray(overlay)


def test_the_overlay_is_clear_where_the_model_did_not_look() -> None:
    alpha = read_overlay([[1, 0], [0, 0]])[..., 3]
    assert alpha[:20, :20].min() > 100
    assert alpha[-20:, -20:].max() == 0
    assert alpha.max() < 200, "the photo stays visible underneath"


def test_the_overlay_has_the_shape_of_its_map() -> None:
    assert read_overlay([[1, 0, 0, 0], [0, 0, 0, 1]]).shape == (112, 224, 4)


def test_the_overlay_fades_where_the_photo_goes_on_beyond_what_the_model_saw() -> None:
    values = np.ones((7, 7), np.float32)
    overlay = Image.open(io.BytesIO(draw_map(ActivationMap(values, (0.2, 0, 0.8, 1)))))
    alpha = np.asarray(overlay)[..., 3].astype(int)
    assert alpha[:, 0].max() < 10
    assert alpha[:, -1].max() < 10
    assert alpha[0, 112] == alpha[-1, 112] == alpha[112, 112] > 100, "it reaches the photo's own edges"

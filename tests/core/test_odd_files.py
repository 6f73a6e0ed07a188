"""Broken, rare and strange public files, replayed where they are to hand."""

from __future__ import annotations

import ast
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fieldmark.errors import BadImageError
from fieldmark.images import REASONS, open_photo
from fieldmark.imaging.capture import capture_time

ODD = Path(__file__).parents[2].parent / "shared" / "data" / "odd"
INDEX = ODD / "INDEX.tsv"
ROWS = [line.split("\t") for line in INDEX.read_text("utf-8").splitlines()[1:]] if INDEX.is_file() else []
FILES = {path: (state, info) for path, _, state, info in ROWS if (ODD / path).is_file()}

pytestmark = [
    pytest.mark.skipif(not FILES, reason="1,720 public odd files are not at hand (../shared/data/odd)"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL"),
]

OPENED = {"JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"}


def outcome(path: str) -> str:
    try:
        return open_photo(ODD / path, need_px=224).format
    except BadImageError as error:
        assert error.code in REASONS
        return error.code


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[str, float]]:
    """Outcome and seconds of work of every file; what else the machine does meanwhile is not counted."""
    measured = {}
    for path in FILES:
        start = time.process_time()
        measured[path] = (outcome(path), time.process_time() - start)
    return measured


def test_no_odd_file_takes_longer_than_two_seconds(outcomes: dict[str, tuple[str, float]]) -> None:
    assert len(outcomes) >= 1_700
    slow = {path: seconds for path, (_, seconds) in outcomes.items() if seconds > 2}
    assert slow == {}


def pillows_format(info: str) -> str:
    return ast.literal_eval(info)[0]


def test_what_pillow_opens_is_accepted_when_its_kind_is(outcomes: dict[str, tuple[str, float]]) -> None:
    refused = {
        path: outcomes[path][0]
        for path, (state, info) in FILES.items()
        if state == "ok" and pillows_format(info) in OPENED and outcomes[path][0] in REASONS
    }
    assert refused == {}


def test_what_pillow_opens_of_other_kinds_is_refused_by_its_kind(
    outcomes: dict[str, tuple[str, float]],
) -> None:
    others = {
        outcomes[path][0]
        for path, (state, info) in FILES.items()
        if state == "ok" and pillows_format(info) not in OPENED
    }
    assert others == {"format_not_allowed", "not_an_image"}


HEIF_FILES = ("libheif/", "pillow_heif/")


def test_what_pillow_cannot_open_is_refused(outcomes: dict[str, tuple[str, float]]) -> None:
    """But for HEIC with its package at hand, which Pillow alone does not open."""
    accepted = {
        path
        for path, (state, _) in FILES.items()
        if state != "ok" and outcomes[path][0] not in REASONS
        and not (find_spec("pillow_heif") and path.startswith(HEIF_FILES))
    }  # fmt: skip
    assert accepted == set()


@pytest.mark.skipif(find_spec("pillow_heif") is not None, reason="HEIC photos are opened here")
def test_heic_photos_name_the_package(outcomes: dict[str, tuple[str, float]]) -> None:
    assert sum(code == "needs_plugin" for code, _ in outcomes.values()) > 100


def test_photos_of_one_scene_come_out_alike_however_the_camera_was_held() -> None:
    held = sorted(path for path in FILES if path.startswith("exif_orientation/Portrait"))
    photos = [np.asarray(open_photo(ODD / path).image, np.int16) for path in held]
    assert len(photos) > 3
    assert all(np.abs(photo - photos[0]).mean() < 3 for photo in photos)


def test_capture_times_of_odd_files_never_raise() -> None:
    captures = [capture_time(ODD / path) for path in FILES]
    assert sum(capture.taken is not None for capture in captures) > 50

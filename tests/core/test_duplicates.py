"""Photos that are there twice, or nearly."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from skimage import data

from core.test_check import jpeg
from fieldmark.imaging.looks import Look, look_at
from fieldmark.issues.duplicates import (
    MAX_BITS,
    TINY_PX,
    exact_duplicates,
    find_near_duplicates,
    near_duplicates,
)

NOON = datetime(2024, 5, 1, 12)
PICTURES = {
    name: Image.fromarray(getattr(data, name)()).convert("RGB")
    for name in ("astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "moon", "page", "rocket")
}  # fmt: skip


def cropped(image: Image.Image, part: float) -> Image.Image:
    """Without this part of its width and height, at the edges."""
    x, y = round(part * image.width / 2), round(part * image.height / 2)
    return image.crop((x, y, image.width - x, image.height - y))


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "re-encoded": lambda image: jpeg(image, 40),
    "as PNG": png,
    "half as large": lambda image: jpeg(image.resize((image.width // 2, image.height // 2))),
    "brighter": lambda image: jpeg(ImageEnhance.Brightness(image).enhance(1.1)),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_is_found_and_no_other_picture(copy: str) -> None:
    looks = [look_at(jpeg(image)) for image in PICTURES.values()]
    looks += [look_at(COPIES[copy](image)) for image in PICTURES.values()]
    n = len(PICTURES)
    assert near_duplicates(looks) == [(place, n + place) for place in range(n)]


@pytest.mark.parametrize("name", sorted(PICTURES.keys() - {"brick", "grass", "gravel"}))
def test_a_photo_of_things_is_found_without_a_fiftieth_at_its_edges(name: str) -> None:
    """Of fine textures it is not: a hash of 9 × 8 cells shifts with them."""
    photos = PICTURES[name], cropped(PICTURES[name], 0.02)
    assert near_duplicates([look_at(jpeg(photo)) for photo in photos]) == [(0, 1)]


def test_photos_with_the_same_bytes_are_no_near_duplicates_by_themselves() -> None:
    cat, again = look_at(jpeg(PICTURES["chelsea"])), look_at(jpeg(PICTURES["chelsea"], 60))
    assert near_duplicates([cat, cat]) == []
    assert near_duplicates([cat, None, cat, again]) == [(0, 2, 3)]


def test_photos_of_one_colour_are_no_near_duplicates() -> None:
    colours = ("red", "darkred", "black", "white", "navy")
    assert near_duplicates([look_at(png(Image.new("RGB", (90, 60), colour))) for colour in colours]) == []


def test_files_are_looked_at_and_one_that_is_no_photo_is_in_no_group(tmp_path: Path) -> None:
    cat = PICTURES["chelsea"]
    for name, content in {"1": jpeg(cat), "2": b"no photo", "3": jpeg(cat, 50), "4": b"no photo"}.items():
        (tmp_path / name).write_bytes(content)
    assert find_near_duplicates(sorted(tmp_path.iterdir())) == [(0, 2)]


def test_nothing_has_no_duplicates() -> None:
    assert near_duplicates([]) == near_duplicates([None]) == exact_duplicates([]) == []


# --- Cameras that do not move -------------------------------------------------------------------------------


def at(*minutes: float | None) -> list[Look]:
    """Photos of nearly the same view, taken so many minutes after noon; None where they do not say when."""
    look = look_at(jpeg(PICTURES["chelsea"]))
    return [
        replace(look, hash=f"{n:064x}", taken=None if m is None else NOON + timedelta(minutes=m))
        for n, m in enumerate(minutes)
    ]


def test_a_fixed_camera_makes_near_duplicates_only_within_half_an_hour() -> None:
    assert near_duplicates(at(0, 1, 29, 90, 110, 24 * 60)) == [(0, 1, 2), (3, 4)]


def test_a_copy_that_lost_its_time_is_a_duplicate_still() -> None:
    assert near_duplicates(at(0, None)) == [(0, 1)]


def test_a_group_ends_after_a_day_of_going_on() -> None:
    groups = near_duplicates(at(*range(0, 3 * 24 * 60, 20)))
    assert sum(map(len, groups)) == 3 * 24 * 3
    for group in groups:
        assert (group[-1] - group[0]) * 20 <= 24 * 60


# --- In general ---------------------------------------------------------------------------------------------


def look(seed: int, flips: int = 0, number: int = 0) -> Look:
    """A look at a picture that is noise, with some bits of its hashes turned round."""
    rng = random.Random(seed)
    across, down = rng.getrandbits(64), rng.getrandbits(64)
    for bit in random.Random(f"{seed} {number}").sample(range(128), flips):
        across, down = (across ^ 1 << bit, down) if bit < 64 else (across, down ^ 1 << (bit - 64))
    tiny = np.random.default_rng(seed).integers(0, 256, (TINY_PX, TINY_PX), np.uint8)
    return Look(f"{seed} {number}", "JPEG", 640, 480, None, across, down, 200.0, 900.0, tiny)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 5), st.integers(0, 5))
def test_whichever_bits_differ_ten_of_128_are_found(seed: int, one: int, two: int) -> None:
    assert near_duplicates([look(seed, one, 1), look(seed + 1), look(seed, two, 2)]) == [(0, 2)]


@pytest.mark.parametrize("parts", range(1, MAX_BITS + 1))
def test_bits_that_differ_as_evenly_spread_as_can_be_are_found(parts: int) -> None:
    """The worst case of searching by equal parts of the hash."""
    one = look(1)
    across, down = one.across, one.down
    for bit in ((128 * part + 64) // parts for part in range(parts)):  # the middle of each part
        across, down = (across ^ 1 << (63 - bit), down) if bit < 64 else (across, down ^ 1 << (127 - bit))
    assert near_duplicates([one, replace(one, hash="two", across=across, down=down)]) == [(0, 1)]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 5)), max_size=25), st.randoms()
)
def test_groups_share_no_photo_and_do_not_depend_on_the_order(
    known: list[tuple[int, int, int]], shuffle: random.Random
) -> None:
    looks = [look(seed, flips, number) for seed, flips, number in known]
    groups = near_duplicates(looks)
    places = [place for group in groups for place in group]
    assert len(places) == len(set(places))
    assert all(len({looks[place].hash for place in group}) > 1 for group in groups)
    order = list(range(len(looks)))
    shuffle.shuffle(order)
    again = near_duplicates([looks[place] for place in order])
    assert {frozenset(order[place] for place in group) for group in again} == set(map(frozenset, groups))


@given(st.lists(st.sampled_from("abcdef")))
def test_exact_duplicates_are_all_the_places_of_an_equal_hash(hashes: list[str]) -> None:
    groups = exact_duplicates(hashes)
    expected = {h: tuple(i for i, other in enumerate(hashes) if other == h) for h in hashes}
    assert sorted(groups) == sorted(group for group in expected.values() if len(group) > 1)


def test_a_crowd_of_twenty_thousand_is_compared_within_seconds() -> None:
    rng = np.random.default_rng(0)
    tiny = rng.integers(0, 256, (TINY_PX, TINY_PX), np.uint8)
    bits = [(int(a), int(b)) for a, b in rng.integers(0, 2**63, (20_000, 2))]
    looks = [Look(str(n), "JPEG", 9, 9, None, a, b, 200.0, 900.0, tiny) for n, (a, b) in enumerate(bits)]
    looks.append(replace(looks[123], hash="copy"))
    assert near_duplicates(looks) == [(123, 20_000)]

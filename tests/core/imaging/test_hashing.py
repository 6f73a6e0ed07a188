"""What a photo is known by: its bytes, and roughly its looks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from skimage import data

from fieldmark.callbacks import Progress
from fieldmark.errors import Cancelled
from fieldmark.imaging.hashing import difference_hash, file_hash, hash_distance, hash_files

CAT, CUP = Image.fromarray(data.chelsea()), Image.fromarray(data.coffee())
bits = st.integers(0, 2**64 - 1)


@settings(deadline=None)
@given(st.binary(max_size=5000))
def test_a_file_is_known_by_the_sha_256_of_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("hash") / "file"
    path.write_bytes(content)
    assert file_hash(path) == hashlib.sha256(content).hexdigest()


def test_many_files_are_hashed_in_order_and_one_that_is_missing_is_its_error(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(200)]
    for path in paths:
        path.write_bytes(path.name.encode())
    paths[7].unlink()
    seen: list[Progress] = []
    found = list(hash_files(paths, callback=seen.append))
    assert isinstance(found.pop(7), FileNotFoundError)
    del paths[7]
    assert found == [hashlib.sha256(path.name.encode()).hexdigest() for path in paths]
    assert [(progress.done, progress.total) for progress in seen] == [(n, 200) for n in range(1, 201)]


def test_hashing_stops_when_it_is_told_to(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        raise Cancelled(str(progress.done))

    with pytest.raises(Cancelled, match="1"):
        list(hash_files([tmp_path / "missing"] * 1000, callback=stop))


@pytest.mark.parametrize("down", [False, True])
def test_a_smaller_or_brighter_copy_has_nearly_the_same_difference_hash(down: bool) -> None:
    original = difference_hash(CAT, down=down)
    for copy in (CAT.resize((200, 133)), ImageEnhance.Brightness(CAT).enhance(1.2), CAT.convert("L")):
        assert hash_distance(original, difference_hash(copy, down=down)) <= 4


@pytest.mark.parametrize("down", [False, True])
def test_another_picture_or_a_turned_one_has_another_difference_hash(down: bool) -> None:
    original = difference_hash(CAT, down=down)
    for other in (CUP, CAT.rotate(180), CAT.transpose(Image.Transpose.FLIP_LEFT_RIGHT)):
        assert hash_distance(original, difference_hash(other, down=down)) > 10


def test_a_picture_that_grows_brighter_rightwards_sets_every_bit_of_its_rows_and_none_of_its_columns() -> (
    None
):
    ramp = Image.linear_gradient("L").rotate(90)
    assert difference_hash(ramp) == 2**64 - 1
    assert difference_hash(ramp, down=True) == 0


@given(bits, bits, bits)
def test_the_distance_of_hashes_is_a_distance(a: int, b: int, c: int) -> None:
    assert (hash_distance(a, b) == 0) == (a == b)
    assert hash_distance(a, b) == hash_distance(b, a) <= 64
    assert hash_distance(a, c) <= hash_distance(a, b) + hash_distance(b, c)

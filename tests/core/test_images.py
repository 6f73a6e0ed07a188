"""From bytes or a path to an upright photo, or to the reason why not."""

from __future__ import annotations

import io
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from badinputs.broken import BROKEN, boxes, jpeg_segment, jpeg_with, photo, png, png_chunk
from badinputs.seeds import encode, exif_bytes, gradient, seed, seed_names
from fieldmark.errors import BadImageError
from fieldmark.images import DEFAULT_LIMITS, REASONS, Limits, encode_display, open_photo

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

SPREAD = 12  # how far a lossy file may be from the picture, in grey levels on average


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.int16)


def is_gradient(image: Image.Image) -> bool:
    """Whether it is, upright and in colour, the picture that the seeds are made of."""
    return image.mode == "RGB" and np.abs(pixels(image) - pixels(gradient(*image.size))).mean() < SPREAD


def refusal(source: bytes | str | Path, **options: object) -> BadImageError:
    with pytest.raises(BadImageError) as caught:
        open_photo(source, **options)
    return caught.value


# What is accepted


COLOUR_SEEDS = [
    name for name in seed_names() if not name.startswith(("grey", "bits", "fax", "float", "packbits", "runs"))
    and "rgba" not in name and name != "lossless.webp"
]  # fmt: skip


@pytest.mark.parametrize("name", COLOUR_SEEDS)
def test_every_accepted_kind_gives_the_same_picture(name: str) -> None:
    photo = open_photo(seed(name))
    assert is_gradient(photo.image)
    assert (photo.width, photo.height) == photo.image.size


@pytest.mark.parametrize(
    ("name", "kind"),
    [("baseline.jpg", "JPEG"), ("pair.mpo", "JPEG"), ("rgb.png", "PNG"), ("still.gif", "GIF"),
     ("lossy.webp", "WEBP"), ("rgb.bmp", "BMP"), ("lzw.tif", "TIFF"), ("still.avif", "AVIF")],
)  # fmt: skip
def test_content_decides_and_not_the_extension(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "claims_to_be.txt"
    path.write_bytes(seed(name))
    assert open_photo(path).format == kind


def test_bytes_a_text_path_and_a_path_give_the_same_photo(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(seed("baseline.jpg"))
    first, *others = (pixels(open_photo(source).image) for source in (seed("baseline.jpg"), str(path), path))
    assert all((first == other).all() for other in others)


@pytest.mark.parametrize("colour", [0, 255, (12, 200, 7)])
def test_photos_of_one_colour_are_accepted(colour: int | tuple[int, int, int]) -> None:
    image = Image.new("RGB", (50, 40), colour if isinstance(colour, tuple) else (colour,) * 3)
    assert (pixels(open_photo(encode(image, "PNG")).image) == pixels(image)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (3000, 20)])
def test_the_smallest_photos_and_strips_up_to_the_limit_are_accepted(size: tuple[int, int]) -> None:
    assert open_photo(encode(gradient(*size), "PNG"), need_px=224).image.size == size


def test_noise_is_accepted() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert (np.asarray(open_photo(encode(Image.fromarray(noise), "PNG")).image) == noise).all()


def test_a_flipped_byte_in_the_scan_is_still_a_photo() -> None:
    data = bytearray(photo())
    data[len(data) * 3 // 4] ^= 0x10
    assert open_photo(bytes(data)).image.size == (640, 480)


def test_a_zip_behind_a_photo_does_not_matter() -> None:
    polyglot = photo() + b"PK\x03\x04" + bytes(100)
    assert (pixels(open_photo(polyglot).image) == pixels(open_photo(photo()).image)).all()


# Only as large as needed


@pytest.mark.parametrize("need_px", [8, 60, 100, 224, 480, 1000])
def test_a_jpeg_is_decoded_no_larger_than_needed_and_no_smaller(need_px: int) -> None:
    small = open_photo(photo(), need_px=need_px)
    assert min(small.image.size) >= min(need_px, 480)
    assert min(small.image.size) < 2 * need_px or min(small.image.size) == 60  # an eighth is the least
    assert (small.width, small.height) == (640, 480)
    assert is_gradient(small.image)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "WEBP"])
def test_large_photos_of_other_kinds_are_shrunk_too(kind: str) -> None:
    data = encode(gradient(2600, 2000), kind)
    small = open_photo(data, need_px=100)
    assert 200 <= min(small.image.size) < 300
    assert (small.width, small.height) == (2600, 2000)
    assert is_gradient(small.image)
    assert open_photo(data).image.size == (2600, 2000)


# Upright

UPRIGHT_AGAIN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip
"""How the camera held by a given orientation turns the scene: the reverse of what makes it upright."""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_corrected(kind: str, orientation: int) -> None:
    scene = gradient(48, 32)
    turned = scene.transpose(UPRIGHT_AGAIN[orientation]) if orientation > 1 else scene
    photo = open_photo(encode(turned, kind, exif=exif_bytes(orientation)))
    assert (photo.width, photo.height) == photo.image.size == (48, 32)
    assert is_gradient(photo.image)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [0, 9, 99, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(kind: str, orientation: int) -> None:
    assert is_gradient(open_photo(encode(gradient(), kind, exif=exif_bytes(orientation))).image)


@pytest.mark.parametrize(
    "tag",
    [b"\x01\x12\0\x02\0\0\0\x026\0\0\0", b"\x01\x12\0\x03\0\0\0\x02\0\6\0\6", b"\x01\x12\0\x0b\0\0\0\1\x40\xc0\0\0",
     b"\x01\x12\0\x03\x7f\xff\xff\xff\0\0\0\x08", b"\x01\x12\0\x05\0\0\0\1\xff\xff\xff\xff"],
    ids=["text", "two numbers", "float", "two thousand million numbers", "fraction outside the file"],
)  # fmt: skip
def test_an_orientation_of_the_wrong_type_is_ignored(tag: bytes) -> None:
    exif = b"MM\0*\0\0\0\x08\0\x01" + tag + b"\0\0\0\0"
    assert is_gradient(open_photo(jpeg_with(jpeg_segment(0xE1, b"Exif\0\0" + exif))).image)
    assert is_gradient(open_photo(png_with_exif(exif)).image)


def png_with_exif(exif: bytes) -> bytes:
    data = encode(gradient(), "PNG")
    return data[:33] + png_chunk(b"eXIf", exif) + data[33:]


@pytest.mark.parametrize(
    "exif", [b"", b"MM", b"II*\0\xff\xff\xff\xff", b"<script>alert(1)</script>", bytes(100)]
)
def test_garbage_for_exif_does_not_make_the_pixels_worse(exif: bytes) -> None:
    assert is_gradient(open_photo(jpeg_with(jpeg_segment(0xE1, b"Exif\0\0" + exif))).image)


# Several pictures in one file


@pytest.mark.parametrize(
    "name", ["frames.gif", "frames.webp", "frames.png", "frames.avif", "pair.mpo", "pages.tif"]
)
def test_of_several_frames_the_first_is_used_and_noted(name: str) -> None:
    photo = open_photo(seed(name))
    assert is_gradient(photo.image)
    assert photo.notes == ("The file holds several pictures; only the first is used.",)


def test_a_single_picture_has_no_notes() -> None:
    stills = [name for name in seed_names() if not name.startswith(("frames", "pair", "pages"))]
    assert {open_photo(seed(name)).notes for name in stills} == {()}


def test_a_damaged_second_frame_leaves_the_first() -> None:
    data = seed("frames.gif")
    second = data.index(b"!\xf9", data.index(b"!\xf9") + 1)
    photo = open_photo(data[:second] + b",\0\0")
    assert is_gradient(photo.image)
    assert photo.notes


def test_frames_of_an_unknown_file_are_never_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """5,000 frames are a matter of many reads; that there is a second one is known after a few."""
    data = seed("frames.gif")
    second = data.index(b"!\xf9", data.index(b"!\xf9") + 1)
    monkeypatch.setattr("fieldmark.imaging.limits.MAX_READS", 100)
    assert open_photo(data[:second] + data[second:-1] * 5_000 + b";").notes


# What is refused, and how


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_file_is_refused_with_its_reason(name: str) -> None:
    bad = BROKEN[name]
    for need_px in (None, 224):
        assert refusal(bad.make(), need_px=need_px).code == bad.code


@pytest.mark.parametrize("kind", ["baseline", "progressive"])
def test_the_first_hundred_bytes_of_a_jpeg_are_no_image(kind: str) -> None:
    data = seed(f"{kind}.jpg")
    assert {refusal(data[:size]).code for size in range(1, 101)} == {"not_an_image"}


@pytest.mark.parametrize("need_px", [None, 60, 224])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_cut_jpeg_is_refused_as_truncated_wherever_it_was_cut(
    *, progressive: bool, need_px: int | None
) -> None:
    data = encode(gradient(640, 480), "JPEG", progressive=progressive)
    for missing in (1, 2, 3, 10, 100, len(data) // 4, len(data) // 2, len(data) * 3 // 4):
        assert refusal(data[:-missing], need_px=need_px).code == "truncated"


def test_a_heic_photo_names_the_package_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldmark.imaging.formats.find_spec", lambda name: None)
    error = refusal(boxes(b"heic", b"mif1"))
    assert error.code == "needs_plugin"
    assert "pip install 'fieldmark[heif]'" in str(error)


def test_every_sentence_says_what_was_expected_or_what_to_do() -> None:
    for bad in BROKEN.values():
        sentence = str(refusal(bad.make()))
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert any(advice in sentence for advice in ("Copy it again", "save it as a JPEG", "Save it"))
        assert "0x" not in sentence  # no address of an object, as Pillow's own messages have


def test_every_code_has_a_meaning() -> None:
    used = {bad.code for bad in BROKEN.values()}
    assert used <= set(REASONS)
    assert all(meaning for meaning in REASONS.values())


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "vast.jpg"
    with path.open("wb") as file:
        file.truncate(DEFAULT_LIMITS.max_bytes + 1)  # takes no room on the disk
    assert refusal(path).code == "too_large_file"
    assert refusal(bytes(101), limits=Limits(max_bytes=100)).code == "too_large_file"


def test_a_file_that_vanished_is_unreadable(tmp_path: Path) -> None:
    error = refusal(tmp_path / "gone.jpg")
    assert error.code == "unreadable"
    assert "no such file" in str(error)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(photo())
    path.chmod(0)
    assert refusal(path).code == "unreadable"


@pytest.mark.parametrize("source", ["", ".", "nul\0byte.jpg", "x" * 5000])
def test_what_is_no_file_is_unreadable(source: str) -> None:
    assert refusal(source).code == "unreadable"


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
def test_a_pipe_is_unreadable_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert refusal(tmp_path / "pipe.jpg").code == "unreadable"


def test_a_name_that_is_not_utf_8_is_no_obstacle(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    try:
        path.write_bytes(photo())
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 only")
    assert open_photo(path).format == "JPEG"


# What is shown


def test_nothing_of_the_metadata_survives_in_what_is_shown() -> None:
    secret = "<script>alert('Lat 61.5')</script>"
    data = encode(
        gradient(300, 200), "JPEG", exif=exif_bytes(ImageDescription=secret), comment=secret, dpi=(300, 300),
        icc_profile=b"profile " + secret.encode(), xmp=b"<x>" + secret.encode() + b"</x>",
    )  # fmt: skip
    assert secret.encode() in data
    image = open_photo(data).image
    shown = encode_display(image)
    assert not image.info
    assert not image.getexif()
    assert b"script" not in shown
    assert not {b"Exif", b"ICC_PROFILE", b"http"} & {
        word for word in (b"Exif", b"ICC_PROFILE", b"http") if word in shown
    }
    with Image.open(io.BytesIO(shown)) as again:
        assert set(again.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_what_is_shown_is_a_small_jpeg_of_the_same_picture() -> None:
    image = gradient(3000, 1500)
    with Image.open(io.BytesIO(encode_display(image, max_px=400))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (400, 200))
        assert is_gradient(shown)
    assert image.size == (3000, 1500)


def test_a_small_photo_is_not_enlarged_to_be_shown() -> None:
    with Image.open(io.BytesIO(encode_display(gradient(60, 40)))) as shown:
        assert shown.size == (60, 40)


# Together


def test_photos_can_be_opened_from_many_threads_at_once() -> None:
    sources = [seed(name) for name in seed_names()] + [bad.make() for bad in BROKEN.values()]

    def outcome(data: bytes) -> bytes | str:
        try:
            return open_photo(data, need_px=16).image.tobytes()
        except BadImageError as error:
            return error.code

    alone = [outcome(data) for data in sources]
    barrier = threading.Barrier(8)
    with ThreadPoolExecutor(8, initializer=barrier.wait) as pool:
        together = list(pool.map(outcome, sources * 10))
    assert together == alone * 10


def test_opening_photos_changes_none_of_pillows_settings() -> None:
    for data in (photo(), png(9000, 9000), *(bad.make() for bad in BROKEN.values())):
        try:
            open_photo(data)
        except BadImageError:
            continue
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert Image.MAX_IMAGE_PIXELS == 89_478_485
    assert "HEIF" not in Image.OPEN

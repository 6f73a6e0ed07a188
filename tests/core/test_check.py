"""What a check finds, and what it leaves alone."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageFilter
from skimage import data

from fieldmark.callbacks import Progress
from fieldmark.check import check_folder
from fieldmark.checkreport import CheckReport
from fieldmark.errors import Cancelled, DatasetError
from fieldmark.importing import import_photos

CAT, CUP = Image.fromarray(data.chelsea()), Image.fromarray(data.coffee())


def jpeg(image: Image.Image, quality: int = 92) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def put(root: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".jpg").write_bytes(content)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cat and a cup, and one photo of each fault."""
    return put(
        tmp_path / "photos",
        cat__whole=jpeg(CAT),
        cat__copy=jpeg(CAT),
        cat__again=jpeg(CAT.resize((300, 200)), 70),
        cat__cut=jpeg(CAT)[:5000],
        cat__dark=jpeg(ImageEnhance.Brightness(CAT.transpose(Image.Transpose.ROTATE_180)).enhance(0.1)),
        cup__whole=jpeg(CUP),
        cup__blurred=jpeg(CUP.transpose(Image.Transpose.ROTATE_180).filter(ImageFilter.GaussianBlur(8))),
        cup__tiny=jpeg(CUP.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((40, 30))),
    )


def bytes_below(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_each_fault_is_found_and_nothing_else(folder: Path) -> None:
    report = check_folder(folder)
    assert (report.files, report.ok, report.classes) == (8, 7, {"cat": 4, "cup": 3})
    assert [(found.path, found.code) for found in report.rejected] == [("cat/cut.jpg", "truncated")]
    assert [group.paths for group in report.duplicates] == [("cat/copy.jpg", "cat/whole.jpg")]
    assert [group.paths for group in report.near_duplicates] == [
        ("cat/copy.jpg", "cat/whole.jpg", "cat/again.jpg")
    ]
    assert [found.path for found in report.tiny] == ["cup/tiny.jpg"]
    assert [found.path for found in report.dark] == ["cat/dark.jpg"]
    assert [found.path for found in report.blurred] == ["cup/blurred.jpg"]


def test_checking_changes_nothing(folder: Path) -> None:
    before = bytes_below(folder)
    check_folder(folder)
    assert bytes_below(folder) == before


def test_the_report_is_json_and_sentences(folder: Path) -> None:
    report = check_folder(folder)
    said = json.loads(json.dumps(report.as_dict()))
    assert {"files", "ok", "rejected", "duplicates", "near_duplicates"} <= said.keys()
    lines = "\n".join(report.lines())
    assert "7 of 8 files are photos: cat 4, cup 3." in lines
    assert "cat/cut.jpg" in lines
    assert "Nothing wrong was found." not in lines


def test_the_same_photo_under_two_labels_is_a_conflict(tmp_path: Path) -> None:
    report = check_folder(put(tmp_path, cat__one=jpeg(CAT), cup__two=jpeg(CAT)))
    assert [group.is_conflict for group in report.duplicates] == [True]
    assert any("under 2 labels: one is wrong" in line for line in report.lines())


def test_nearly_the_same_photo_under_two_labels_is_a_question(tmp_path: Path) -> None:
    """Two animals may pass one camera within minutes, and both labels be right."""
    report = check_folder(put(tmp_path, cat__one=jpeg(CAT), cup__two=jpeg(CAT, 60)))
    assert [group.is_conflict for group in report.near_duplicates] == [True]
    assert any("under 2 labels: is each right?" in line for line in report.lines())


def test_a_copy_beside_the_class_folders_is_no_conflict_and_not_the_one_to_keep(tmp_path: Path) -> None:
    report = check_folder(put(tmp_path, a_stray=jpeg(CAT), cat__one=jpeg(CAT), cup__two=jpeg(CUP)))
    (group,) = report.duplicates
    assert (group.paths, group.is_conflict) == (("cat/one.jpg", "a_stray.jpg"), False)
    assert "In no class folder, so left out of training: 1 file. Move each into one." in report.lines()


def test_a_copy_on_both_sides_of_the_split_is_a_leak(tmp_path: Path) -> None:
    sides = put(
        tmp_path,
        train__cat__one=jpeg(CAT), train__cup__two=jpeg(CUP), val__cat__three=jpeg(CAT, 60), val__cup__four=jpeg(CUP),
    )  # fmt: skip
    report = check_folder(sides)
    assert [group.is_leak for group in (*report.near_duplicates, *report.duplicates)] == [True, True]
    assert any("2 groups on two sides of the split that is given" in line for line in report.lines())
    assert all(group["leak"] for group in report.as_dict()["duplicates"])


def test_a_photo_of_a_dataset_that_has_rotted_is_rejected(folder: Path, tmp_path: Path) -> None:
    import_photos(folder, tmp_path / "dataset", who="test")
    (tmp_path / "dataset" / "images" / "cup" / "whole.jpg").write_bytes(jpeg(CAT, 30))
    (tmp_path / "dataset" / "images" / "cup" / "tiny.jpg").unlink()
    report = check_folder(tmp_path / "dataset")
    assert [(found.path, found.code) for found in report.rejected] == [
        ("images/cup/tiny.jpg", "unreadable"), ("images/cup/whole.jpg", "changed")
    ]  # fmt: skip


def test_good_photos_of_the_world_raise_no_alarm(shared_photos: Path) -> None:
    for name in ("bears", "ants_bees", "pizza_steak_sushi"):
        report = check_folder(shared_photos / name)
        assert (report.rejected, report.tiny, report.dark, report.blurred) == ((), (), (), ())


def test_a_dataset_is_checked_by_its_catalog(folder: Path, tmp_path: Path) -> None:
    import_photos(folder, tmp_path / "dataset", who="test")
    report = check_folder(tmp_path / "dataset")
    assert (report.files, report.rejected, report.classes) == (6, (), {"cat": 3, "cup": 3})
    assert len(report.near_duplicates) == 1


def test_classes_of_very_different_size_get_a_sentence(tmp_path: Path) -> None:
    shades = {f"cup__{n}": jpeg(Image.new("RGB", (80, 80), (9 * n, 200, 90))) for n in range(7)}
    report = check_folder(put(tmp_path, cat__one=jpeg(CAT), **shades))
    assert any("7.0 times as many photos of cup as of cat" in line for line in report.lines())


def test_an_empty_folder_has_nothing_to_say(tmp_path: Path) -> None:
    report = check_folder(tmp_path)
    assert (report.files, report.lines()) == (0, ["0 of 0 files are photos."])


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        check_folder(tmp_path / "nowhere")


def test_it_stops_when_it_is_told_to(folder: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        check_folder(folder, stop)


def test_a_name_that_is_not_utf_8_does_not_break_the_report(tmp_path: Path) -> None:
    put(tmp_path, cat__one=jpeg(CAT), cup__two=jpeg(CUP))
    try:
        shutil.copytree(tmp_path / "cat", tmp_path / "c\udcfft")
        shutil.copy(tmp_path / "cat" / "one.jpg", tmp_path / "cat" / "na\udcffme.jpg")
    except (OSError, UnicodeError):
        pytest.skip("this disk takes no such name")
    report: CheckReport = check_folder(tmp_path)
    assert report.classes == {r"c\udcfft": 1, "cat": 2, "cup": 1}
    json.dumps(report.as_dict(), ensure_ascii=False).encode("utf-8")
    "\n".join(report.lines()).encode("utf-8")

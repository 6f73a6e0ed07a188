from __future__ import annotations

import io
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import chelsea

from fieldmark.corrections import MAX_LABEL, PHOTO_PX, Correction, CorrectionStore
from fieldmark.errors import BadImageError, DatasetError, StoreError


def jpeg(shade: int = 90, size: tuple[int, int] = (80, 60), **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, 120, 40)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def keep(store: CorrectionStore, photo: bytes, said: str = "otter") -> Correction:
    return store.add(photo, answered="beaver", prob=0.8, verdict="familiar", said=said, model="abc")


def test_a_correction_outlives_the_process_that_kept_it(tmp_path: Path) -> None:
    kept = keep(CorrectionStore(tmp_path / "new" / "corrections"), jpeg(), said=" otter ")
    (found,) = CorrectionStore(tmp_path / "new" / "corrections").list()
    assert found == kept
    assert (found.answered, found.said, found.prob, found.verdict) == ("beaver", "otter", 0.8, "familiar")


def test_the_kept_photo_has_no_metadata_and_a_bounded_size(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path)
    exif = Image.Exif()
    exif[0x010F] = "SECRET CAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).resize((3000, 2000)).save(buffer, "JPEG", exif=exif, comment=b"SECRET PLACE")
    assert b"SECRET" in buffer.getvalue()
    kept = keep(store, buffer.getvalue())
    content = store.photo_path(kept.photo).read_bytes()
    assert b"SECRET" not in content
    with Image.open(io.BytesIO(content)) as image:
        assert max(image.size) == PHOTO_PX
        assert not image.getexif()
    assert len(content) < 500_000


def test_what_is_no_photo_is_not_kept(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path)
    with pytest.raises(BadImageError):
        keep(store, b"<script>alert(1)</script>")
    assert store.list() == []
    assert not (tmp_path / "photos").exists()


def test_the_same_photo_under_the_same_label_is_kept_once(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path)
    assert keep(store, jpeg()).id == keep(store, jpeg()).id
    keep(store, jpeg(), said="badger")
    assert [each.said for each in store.list()] == ["otter", "badger"]


def test_taking_one_back_deletes_its_photo_unless_another_shows_it(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path)
    first, second = keep(store, jpeg()), keep(store, jpeg(), said="badger")
    store.remove(first.id)
    assert store.photo_path(first.photo).is_file()
    store.remove(second.id)
    assert not store.photo_path(second.photo).exists()
    store.remove(second.id)  # twice does no harm
    assert store.list() == []


@pytest.mark.parametrize("limit", [{"max_kept": 3}, {"max_mib": 0.0025}], ids=["number", "size"])
def test_a_store_has_an_upper_bound_and_says_so(limit: dict[str, float], tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path, **limit)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"\d are waiting to be looked at.*fieldmark corrections") as caught:
        for shade in range(0, 250, 10):
            keep(store, jpeg(shade))
    assert caught.value.code == "full"
    assert len(list((tmp_path / "photos").iterdir())) == len(store.list()) <= 4


@pytest.mark.parametrize("said", ["", "   ", "x" * (MAX_LABEL + 1)])
def test_a_label_that_names_nothing_is_refused(said: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        keep(CorrectionStore(tmp_path), jpeg(), said=said)
    assert CorrectionStore(tmp_path).list() == []


def test_export_makes_a_folder_for_each_label_and_no_label_leaves_it(tmp_path: Path) -> None:
    store = CorrectionStore(tmp_path / "kept")
    hostile = ["otter", "../../evil", "a/b", "CON", "<b>", "Otter"]
    for shade, said in enumerate(hostile):
        keep(store, jpeg(shade * 30), said=said)
    out = tmp_path / "out"
    assert store.export(out) == len(hostile)
    photos = list(out.rglob("*.jpg"))
    assert {photo.parent.parent for photo in photos} == {out}
    assert len({photo.parent.name.casefold() for photo in photos}) == len(hostile)
    with pytest.raises(DatasetError, match="not empty"):
        store.export(out)


def test_a_store_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be read or written"):
        keep(CorrectionStore(tmp_path / "file" / "corrections"), jpeg())
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "corrections.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="cannot be read or written"):
        CorrectionStore(tmp_path / "bad").list()


def keep_some(folder: Path, first: int) -> None:
    store = CorrectionStore(folder)
    for shade in range(first, first + 50, 5):
        keep(store, jpeg(shade))


def test_several_kernels_keep_corrections_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    jobs = [context.Process(target=keep_some, args=(tmp_path, first)) for first in (0, 60, 120)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    assert [job.exitcode for job in jobs] == [0, 0, 0]
    assert len(CorrectionStore(tmp_path).list()) == 30


def test_the_command_lists_and_copies_for_review(tmp_path: Path) -> None:
    keep(CorrectionStore(tmp_path / "corrections"), jpeg())
    command = [sys.executable, "-m", "fieldmark", "corrections", "--json", "--out", str(tmp_path / "review")]
    done = subprocess.run(
        command,
        env=os.environ | {"FIELDMARK_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert [each["said"] for each in told["corrections"]] == ["otter"]
    assert told["copied"] == len(list((tmp_path / "review" / "otter").iterdir())) == 1

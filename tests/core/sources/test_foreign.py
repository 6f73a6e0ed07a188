"""Photos as other programs keep them, into a dataset."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.photos import photo, seen, write
from fieldmark.catalog import Catalog
from fieldmark.errors import DatasetError
from fieldmark.importing import ImportReport, import_photos


def take(tmp_path: Path, source: Path) -> tuple[Catalog, ImportReport]:
    report = import_photos(source, tmp_path / "dataset", who="test")
    return Catalog.open(tmp_path / "dataset"), report


def put_json(path: Path, content: Any) -> Path:
    write(path, json.dumps(content).encode())
    return path


def test_coco_camera_traps_bring_class_site_and_licence(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path / "traps" / "images" / f"{number}.png", photo(number))
    images = [{"id": n, "file_name": f"{n}.png", "location": f"site {n % 2}", "license": 1} for n in range(4)]
    images.append({"id": 9, "file_name": "../../secret.png", "location": "site 0", "license": 1})
    annotations = [{"id": n, "image_id": n, "category_id": n % 2} for n in range(3)] + [
        {"id": 8, "image_id": 2, "category_id": 1}
    ]
    source = put_json(tmp_path / "traps" / "traps.json", {
        "images": images, "annotations": annotations, "categories": [{"id": 0, "name": "empty"}, {"id": 1, "name": "bear"}],
        "licenses": [{"id": 1, "name": "CDLA-Permissive"}],
    })  # fmt: skip
    catalog, report = take(tmp_path, source)
    assert {p.original_name: (p.label, p.group, p.licence) for p in catalog.photos()} == {
        "0.png": ("empty", "site 0", "CDLA-Permissive"), "1.png": ("bear", "site 1", "CDLA-Permissive"),
    }  # fmt: skip
    assert {str(r.path): r.code for r in report.rejected} == {
        "2.png": "several_classes", "3.png": "no_class", "../../secret.png": "missing",
    }  # fmt: skip


def test_coco_annotations_find_the_photos_of_their_split_beside_them(tmp_path: Path) -> None:
    write(tmp_path / "coco" / "train2017" / "1.png", photo(1))
    listed = {"images": [{"id": 1, "file_name": "1.png"}], "annotations": [{"image_id": 1, "category_id": 1}],
              "categories": [{"id": 1, "name": "bear"}]}  # fmt: skip
    catalog, _ = take(tmp_path, put_json(tmp_path / "coco/annotations/instances_train2017.json", listed))
    assert catalog.counts() == {"bear": 1}
    with pytest.raises(
        DatasetError, match=r"None of the photos that 'elsewhere.json' lists is there, such as '1.png'"
    ):
        take(tmp_path, put_json(tmp_path / "elsewhere.json", listed))


def test_a_coco_file_that_lacks_something_is_one_sentence(tmp_path: Path) -> None:
    source = put_json(tmp_path / "x.json", {"images": [{"id": 1}], "annotations": [], "categories": []})
    with pytest.raises(DatasetError, match=r"not as the format has it.*file_name"):
        take(tmp_path, source)
    with pytest.raises(DatasetError, match="no list of photos that is known here"):
        take(tmp_path, put_json(tmp_path / "y.json", {"something": "else"}))
    write(tmp_path / "z.json", b"{")
    with pytest.raises(DatasetError, match="cannot be read as JSON"):
        take(tmp_path, tmp_path / "z.json")


def two_coloured(path: Path) -> None:
    """Red on the left, blue on the right, with a date."""
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, :60, 0], pixels[:, 60:, 2] = 200, 200
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2022:03:04 05:06:07"
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=exif)
    write(path, file.getvalue())


@pytest.mark.parametrize("dialect", ["megadetector", "speciesnet"])
def test_what_a_detector_found_is_cut_out(tmp_path: Path, dialect: str) -> None:
    two_coloured(tmp_path / "camera" / "a.jpg")
    boxes = [{"category": "1", "conf": 0.9, "bbox": [0.05, 0.2, 0.3, 0.5]}, {"category": "1", "conf": 0.8, "bbox": [0.6, 0.2, 0.35, 0.5]},
             {"category": "2", "conf": 0.1, "bbox": [0, 0, 1, 1]}]  # fmt: skip
    if dialect == "megadetector":
        for box, species in zip(boxes, ("0", "1", "0"), strict=True):
            box["classifications"] = [[species, 0.9]]
        content = {"images": [{"file": "a.jpg", "detections": boxes}], "detection_categories": {"1": "animal", "2": "person"},
                   "classification_categories": {"0": "fox", "1": "bear"}, "info": {"format_version": "1.4"}}  # fmt: skip
        labels = {"fox", "bear"}
    else:
        content = {"predictions": [{"filepath": "a.jpg", "detections": [box | {"label": "animal"} for box in boxes],
                                    "prediction": "id;mammalia;carnivora;ursidae;ursus;arctos;brown bear"}]}  # fmt: skip
        labels = {"brown bear"}
    catalog, report = take(tmp_path, put_json(tmp_path / "camera" / "found.json", content))
    crops = catalog.photos()
    assert {crop.label for crop in crops} == labels
    assert {crop.original_name for crop in crops} == {"a-0.jpg", "a-1.jpg"}
    assert {crop.captured for crop in crops} == {"2022-03-04T05:06:07"}
    assert {crop.group for crop in crops} == {"a.jpg"}
    means = {}
    for crop in crops:
        with Image.open(catalog.file_of(crop)) as image:
            means[crop.original_name] = np.asarray(image).mean(axis=(0, 1))
    assert means["a-0.jpg"][0] > 150 > means["a-0.jpg"][2]
    assert means["a-1.jpg"][2] > 150 > means["a-1.jpg"][0]
    assert report.rejected == ()


def test_crops_without_a_classifier_are_called_after_their_folder(tmp_path: Path) -> None:
    two_coloured(tmp_path / "camera" / "fox" / "a.jpg")
    box = {"category": "1", "conf": 0.9, "bbox": [0.05, 0.2, 0.3, 0.5]}
    content = {
        "images": [{"file": "fox/a.jpg", "detections": [box]}, {"file": "fox/b.jpg", "failure": "gone"}]
    }
    catalog, report = take(tmp_path, put_json(tmp_path / "camera" / "found.json", content))
    assert catalog.counts() == {"fox": 1}
    assert [r.code for r in report.rejected] == ["missing"]


@pytest.mark.parametrize("table", ["metadata.csv", "metadata.jsonl"])
def test_hugging_faces_imagefolder_brings_labels_and_split(tmp_path: Path, table: str) -> None:
    for number, side in enumerate(["train", "train", "validation"]):
        write(tmp_path / "set" / side / f"{number}.png", photo(number))
    rows = {"train": [("0.png", "cat"), ("1.png", "dog"), ("7.png", "dog")], "validation": [("2.png", "cat")]}
    for side, listed in rows.items():
        if table.endswith(".csv"):
            text = "file_name,label\n" + "".join(f"{name},{label}\n" for name, label in listed)
        else:
            text = "".join(json.dumps({"file_name": name, "label": label}) + "\n" for name, label in listed)
        write(tmp_path / "set" / side / table, text.encode())
    catalog, report = take(tmp_path, tmp_path / "set")
    assert seen(catalog) == {
        "train/0.png": ("cat", "train"),
        "train/1.png": ("dog", "train"),
        "validation/2.png": ("cat", "valid"),
    }
    assert [r.code for r in report.rejected] == ["missing"]


def film(path: Path, seconds: int = 5) -> Path:
    av = pytest.importorskip("av", reason="PyAV is an optional extra")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(10 * seconds):
            scene = min(number // 10, 3)  # from the third second on nothing happens
            picture = np.random.default_rng(scene).integers(0, 256, (6, 8, 3), np.uint8)
            image = Image.fromarray(picture).resize((160, 120), Image.Resampling.BICUBIC)
            for packet in stream.encode(av.VideoFrame.from_image(image)):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def test_a_video_gives_a_frame_a_second_but_none_twice(tmp_path: Path) -> None:
    catalog, report = take(tmp_path, film(tmp_path / "fox.mp4"))
    assert catalog.counts() == {"fox": 4}
    assert [(str(r.path), r.reason) for r in report.rejected] == [
        ("fox-00004.0s.jpg", "It looks like the frame before it.")
    ]
    assert {p.group for p in catalog.photos()} == {"fox.mp4"}


def test_a_video_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="PyAV is an optional extra")
    write(tmp_path / "fox.mp4", b"not a film" * 50)
    with pytest.raises(DatasetError, match="cannot be decoded as a video"):
        take(tmp_path, tmp_path / "fox.mp4")

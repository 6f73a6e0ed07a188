"""COCO and COCO Camera Traps: a JSON of images, annotations and categories.

After https://cocodataset.org/#format-data and the Camera Traps dialect of it, which adds location and sequence. A photo
gets the class of its annotations where they all say the same; a camera's photos stay together by location.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldmark.dataset import Rejected
from fieldmark.errors import DatasetError
from fieldmark.labels import UNLABELLED, escape_surrogates
from fieldmark.sources.foreign.listed import find_listed, missing
from fieldmark.sources.source import Candidate, Source


def is_coco(content: Any) -> bool:
    """Whether it is one, by its three lists."""
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )


def from_coco(content: Mapping[str, Any], base: Path) -> Source:
    """List its photos, which lie relative to `base`, or in its folder `images`.

    Raises:
        DatasetError: `bad_json`: something in it is not as the format has it.
    """
    try:
        return _listed(content, base)
    except (KeyError, TypeError, AttributeError) as exc:
        raise DatasetError(
            f"The COCO file is not as the format has it ({type(exc).__name__}: {exc}). Each image needs id and file_name, each "
            "annotation image_id and category_id, each category id and name.",
            code="bad_json",
        ) from exc


def _listed(content: Mapping[str, Any], base: Path) -> Source:
    names = {category["id"]: str(category["name"]) for category in content["categories"]}
    licences = {licence["id"]: str(licence.get("name", "")) for licence in content.get("licenses") or []}
    classes: dict[Any, set[str]] = defaultdict(set)
    for annotation in content["annotations"]:
        classes[annotation["image_id"]].add(names[annotation["category_id"]])
    candidates, rejected, unlabelled = [], [], []
    for image in content["images"]:
        name, found = image["file_name"], find_listed(base, image["file_name"])
        said = classes.get(image["id"], set())
        if found is None:
            rejected.append(missing(name))
        elif len(said) != 1:
            if not said:
                unlabelled.append(_candidate(image, found, UNLABELLED, licences))
            rejected.append(Rejected(Path(str(name)), *_why(said)))
        else:
            candidates.append(_candidate(image, found, next(iter(said)), licences))
    return Source(tuple(candidates), tuple(rejected), 0, tuple(unlabelled))


def _candidate(image: Mapping[str, Any], file: Path, label: str, licences: Mapping[Any, str]) -> Candidate:
    place = image.get("location", image.get("seq_id"))
    return Candidate(
        file, escape_surrogates(str(image["file_name"]).replace("\\", "/")), label,
        group=None if place is None else str(place), licence=licences.get(image.get("license")) or None,
        author=image.get("rights_holder"), page=image.get("flickr_url") or image.get("coco_url"),
    )  # fmt: skip


def _why(said: set[str]) -> tuple[str, str]:
    if not said:
        return "no_class", "Nothing says what it shows: it has no annotation."
    several = ", ".join(sorted(said)[:5])
    return (
        "several_classes",
        f"It shows several classes ({several}), and one was expected. Cut it into crops first.",
    )

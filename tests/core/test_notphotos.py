"""Not a photo: pages among photos are found, and a class of pages is no fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage import data

from fieldmark.backbones import load_backbone
from fieldmark.dataset import Item
from fieldmark.features import extract
from fieldmark.imaging.hashing import file_hash
from fieldmark.imaging.resize import ResizeRule
from fieldmark.issues.notphotos import PAPER_FROM, not_photo_issues, paper_shares
from fieldmark.issues.suspects import Suspects

PHOTOS = ("chelsea", "astronaut", "coffee", "rocket")


def page(path: Path, seed: int) -> Path:
    """A sheet with lines of words."""
    dice, picture = np.random.default_rng(seed), Image.new("RGB", (600, 800), "white")
    draw, words = ImageDraw.Draw(picture), ["report", "station", "north", "camera", "date", "ranger", "total"]
    for line in range(4, 45):
        draw.text((40, line * 17), " ".join(dice.choice(words, int(dice.integers(5, 12)))), fill=(30, 30, 30))
    picture.save(path)
    return path


@pytest.fixture(scope="module")
def suspects(tmp_path_factory: pytest.TempPathFactory) -> Suspects:
    """Four photographs called photo, with a page among them; and three pages called page."""
    folder = tmp_path_factory.mktemp("pages")
    paths = []
    for name in PHOTOS:
        paths.append(folder / f"{name}.png")
        Image.fromarray(getattr(data, name)()).save(paths[-1])
    paths += [page(folder / f"page-{n}.png", n) for n in range(2, 6)]
    labels = ["photo"] * 5 + ["page"] * 3
    hashes = [file_hash(path) for path in paths]
    found = extract(paths, hashes, backbone=load_backbone(), rule=ResizeRule())
    items = tuple(Item(*row) for row in zip(paths, labels, hashes, strict=True))
    return Suspects(
        items, 8, ("page", "photo"), np.full((8, 2), 0.5, np.float32), found.features, (None,) * 8
    )


def test_pages_have_much_of_paper_and_photographs_next_to_nothing(suspects: Suspects) -> None:
    shares = paper_shares(suspects.features, load_backbone().imagenet_head())
    assert shares[:4].max() < PAPER_FROM / 2
    assert shares[4:].min() > 2 * PAPER_FROM


def test_a_page_among_photos_is_listed_and_a_class_of_pages_is_not(suspects: Suspects) -> None:
    (issue,) = not_photo_issues(suspects)
    assert (issue.path.name, issue.given, issue.kind) == ("page-2.png", "photo", "not_a_photo")

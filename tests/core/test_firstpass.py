"""One opening of a photo gives its look and its features, the same as two would."""

from __future__ import annotations

from pathlib import Path

import pytest

import fieldmark.images
from fieldmark.backbones import load_backbone
from fieldmark.cachefolder import CACHE_VARIABLE, cache_folder
from fieldmark.dataset import Dataset, read_dataset
from fieldmark.errors import EmptyDatasetError
from fieldmark.features import extract
from fieldmark.firstpass import see_photos
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.lookcache import take_looks
from fieldmark.imaging.looks import Look, look_at
from fieldmark.imaging.resize import ResizeRule
from fieldmark.sources.sample import sample_photos
from fieldmark.splits import SplitConfig

CONFIG, SPLIT = TrainConfig(), SplitConfig()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    load_backbone()  # prepared in the cache of all tests, read again from this one's
    prepared = cache_folder("backbones")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "backbones").symlink_to(prepared)
    return tmp_path / "cache"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    for number, photo in zip(range(10), sample_photos(), strict=False):
        folder = tmp_path / "photos" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        photo.image.convert("RGB").save(folder / f"{number}.jpg")
    (tmp_path / "photos" / "a" / "none.jpg").write_bytes(b"no photo")
    return read_dataset(tmp_path / "photos")


def looks_of(dataset: Dataset) -> list[Look]:
    looks = take_looks([item.path for item in dataset.items], [item.hash for item in dataset.items])
    return [look for look in looks if isinstance(look, Look)]


def test_each_photo_is_decoded_once(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    decode, decoded = fieldmark.images._decode, list[object]()
    monkeypatch.setattr(fieldmark.images, "_decode", lambda *args: decoded.append(args) or decode(*args))
    assert see_photos(dataset, CONFIG, SPLIT) == 10
    assert len(looks_of(dataset)) == 10
    assert see_photos(dataset, CONFIG, SPLIT) == 0
    assert len(decoded) == 10


def test_looks_and_features_are_those_that_two_openings_give(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, paths, hashes = load_backbone(), *zip(*((i.path, i.hash) for i in dataset.items), strict=True)
    see_photos(dataset, CONFIG, SPLIT)
    together = extract(paths, hashes, backbone=backbone, rule=CONFIG.rule)
    assert together.computed == 0
    for seen in looks_of(dataset):
        path = next(item.path for item in dataset.items if item.hash == seen.hash)
        alone = look_at(path.read_bytes())
        assert (seen.across, seen.down, seen.bright, seen.sharp) == (
            alone.across,
            alone.down,
            alone.bright,
            alone.sharp,
        )
        assert (seen.tiny == alone.tiny).all()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "other"))
    alone = extract(paths, hashes, backbone=backbone, rule=CONFIG.rule)
    assert (together.features == alone.features).all()
    assert together.failures.keys() == alone.failures.keys()


def test_photos_that_looks_are_not_taken_from_wait(dataset: Dataset) -> None:
    assert see_photos(dataset, TrainConfig(rule=ResizeRule(64)), SPLIT) == 0


def test_too_few_photos_are_refused_before_any_is_opened(dataset: Dataset, own_cache: Path) -> None:
    few = Dataset(dataset.root, dataset.items[:1], dataset.vocab)
    with pytest.raises(EmptyDatasetError):
        see_photos(few, CONFIG, SPLIT)
    assert not (own_cache / "features").exists()

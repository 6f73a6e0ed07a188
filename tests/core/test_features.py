"""Features: computed once for each photo's bytes, kept whatever happens, and never for another view."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from fieldmark.backbones import EFFICIENTNET_LITE0, load_backbone
from fieldmark.cachefolder import CACHE_VARIABLE, cache_folder
from fieldmark.callbacks import Progress
from fieldmark.dataset import Dataset, Item
from fieldmark.errors import Cancelled
from fieldmark.features import (
    SAVE_EVERY,
    Extraction,
    FeatureCache,
    agree,
    extract,
    feature_cache,
    probe_features,
    trusted_precision,
)
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.hashing import file_hash
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner
from fieldmark.models.backbone import Backbone
from fieldmark.models.engine import BATCH_SIZE
from fieldmark.models.probes import probe_photos
from fieldmark.sources.sample import sample_photos
from fieldmark.splits import Split

RULE = ResizeRule(64)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone()


@pytest.fixture(scope="module")
def prepared(backbone: Backbone) -> Path:
    """Where the backbone lies that is loaded already."""
    return cache_folder("backbones")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepared: Path) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = []
    for photo, _ in zip(sample_photos(), range(40), strict=False):
        photo.image.save(folder / photo.name)
        paths.append(folder / photo.name)
    return paths


def features_of(paths: list[Path], backbone: Backbone, **options: object) -> Extraction:
    hashes = [file_hash(path) for path in paths]
    return extract(paths, hashes, backbone=backbone, **{"rule": RULE, **options})  # type: ignore[arg-type]


def test_features_depend_on_bytes_alone(photos: list[Path], backbone: Backbone, tmp_path: Path) -> None:
    first = features_of(photos, backbone)
    moved = [Path(shutil.copy(path, tmp_path / f"renamed-{path.name}")) for path in photos]
    again = features_of(moved[::-1], backbone)
    assert (first.computed, again.computed) == (40, 0)
    assert (again.features[::-1] == first.features).all()


def test_a_new_photo_costs_one_forward_pass(photos: list[Path], backbone: Backbone) -> None:
    features_of(photos[:-1], backbone)
    assert features_of(photos, backbone).computed == 1


@pytest.mark.parametrize("other", [{"rule": ResizeRule(96)}, {"rule": ResizeRule(64, "pad")}, {"view": 1}])
def test_another_rule_or_view_is_another_feature(
    photos: list[Path], backbone: Backbone, other: dict[str, object]
) -> None:
    plain = features_of(photos, backbone)
    changed = features_of(photos, backbone, **other)
    assert changed.computed == 40
    if "view" in other:
        assert np.abs(plain.features - changed.features).max() > 0.1


def test_a_view_is_the_same_every_time(photos: list[Path], backbone: Backbone, own_cache: Path) -> None:
    first = features_of(photos, backbone, view=1)
    shutil.rmtree(own_cache / "features")
    assert np.abs(features_of(photos, backbone, view=1).features - first.features).max() < 1e-4


def test_a_stopped_extraction_goes_on_where_it_was(photos: list[Path], backbone: Backbone) -> None:
    def stop(progress: Progress) -> None:
        if progress.done >= 16:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        features_of(photos, backbone, callback=stop)
    rest = features_of(photos, backbone)
    assert rest.computed <= 24
    assert len(rest.features) == 40


KILLED = """
import os, signal, sys
from pathlib import Path
from fieldmark.backbones import load_backbone
from fieldmark.features import extract
from fieldmark.imaging.hashing import file_hash
from fieldmark.imaging.resize import ResizeRule

def kill(progress):
    if progress.done >= int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

paths = sorted(Path(sys.argv[1]).iterdir())
extract(paths, [file_hash(path) for path in paths], backbone=load_backbone(), rule=ResizeRule(64), callback=kill)
"""


@pytest.mark.skipif(os.name == "nt", reason="kills as Unix does")
def test_after_a_killed_process_only_what_is_missing_is_computed(
    backbone: Backbone, prepared: Path, own_cache: Path, tmp_path: Path
) -> None:
    kept = SAVE_EVERY * BATCH_SIZE
    paths = [write_noise(tmp_path / "noise" / f"{number:03}.png", number) for number in range(kept + 30)]
    shutil.copytree(prepared, own_cache / "backbones", dirs_exist_ok=True)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "noise"), str(kept + 1)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    found = features_of(paths, backbone)
    assert (len(found.features), found.computed) == (len(paths), 30)


def write_noise(path: Path, seed: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


def test_a_bad_photo_is_named_and_the_rest_goes_on(photos: list[Path], backbone: Backbone) -> None:
    photos[3].write_bytes(b"no photo")
    found = features_of(photos, backbone)
    assert {place: error.code for place, error in found.failures.items()} == {3: "not_an_image"}
    assert found.kept == (0, 1, 2, *range(4, 40))
    assert len(found.features) == 39


def test_a_photo_that_changed_since_it_was_hashed_is_refused_and_nothing_kept_of_it(
    photos: list[Path], backbone: Backbone
) -> None:
    """Kept under the hash from before, its features would be wrong for good."""
    hashes = [file_hash(path) for path in photos[:5]]
    photos[2].write_bytes(photos[7].read_bytes())
    found = extract(photos[:5], hashes, backbone=backbone, rule=RULE)
    assert {place: error.code for place, error in found.failures.items()} == {2: "changed"}
    assert found.kept == (0, 1, 3, 4)
    assert hashes[2] not in feature_cache(backbone, RULE, trusted_precision(backbone, RULE))
    assert features_of(photos[:5], backbone).computed == 1


def test_a_photo_that_goes_between_two_views_is_left_out(photos: list[Path]) -> None:
    def take_away(progress: Progress) -> None:
        if progress.done == progress.total:
            photos[1].unlink(missing_ok=True)

    items = tuple(Item(path, "ab"[n % 2], file_hash(path)) for n, path in enumerate(photos[:12]))
    dataset = Dataset(photos[0].parent, items, ("a", "b"))
    split = Split(tuple(range(10)), (10, 11))
    learner = Learner(dataset, split, TrainConfig(rule=RULE, views=1)).fit(take_away)
    assert [item.path for item in learner.train_items] == [photos[0], *photos[2:10]]
    assert {path: error.code for path, error in learner.failures.items()} == {photos[1]: "unreadable"}


def test_the_same_bytes_twice_are_computed_once(photos: list[Path], backbone: Backbone) -> None:
    found = features_of([photos[0], photos[0], photos[1]], backbone)
    assert found.computed == 2
    assert (found.features[0] == found.features[1]).all()


def rows(n: int, start: int = 0) -> tuple[list[str], np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    hashes = [f"{number:064x}" for number in range(start, start + n)]
    return hashes, np.arange(start, start + n, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)


@pytest.mark.parametrize("torn", ["rows.f32", "hashes"])
@pytest.mark.parametrize("cut", [1, 5, 15])
def test_a_crash_while_writing_loses_no_row_that_was_there(tmp_path: Path, torn: str, cut: int) -> None:
    cache = FeatureCache(tmp_path / "c", 4)
    cache.add(*rows(5))
    cache.add(*rows(1, start=5))
    file = tmp_path / "c" / torn
    file.write_bytes(file.read_bytes()[:-cut])
    again = FeatureCache(tmp_path / "c", 4)
    hashes, values = rows(5)
    assert (again.read(hashes) == values).all()
    assert rows(1, start=5)[0][0] not in again
    again.add(*rows(3, start=5))
    assert (FeatureCache(tmp_path / "c", 4).read(rows(8)[0]) == rows(8)[1]).all()


def test_rows_are_on_disk_before_their_hashes_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut there may be rows without a hash, but no hash without its row."""
    sync, written = os.fsync, list[list[int]]()

    def watched(descriptor: int) -> None:
        sync(descriptor)
        written.append([path.stat().st_size for path in sorted((tmp_path / "c").glob("[hr]*"))])

    cache = FeatureCache(tmp_path / "c", 4)
    monkeypatch.setattr(os, "fsync", watched)
    cache.add(*rows(5))
    assert written == [[5 * 16], [5 * 32, 5 * 16]]


def test_two_processes_may_add_at_once(tmp_path: Path) -> None:
    one, other = (FeatureCache(tmp_path / "c", 4) for _ in range(2))
    one.add(*rows(4))
    other.add(*rows(6))  # has not seen what the first one wrote
    assert (FeatureCache(tmp_path / "c", 4).read(rows(6)[0]) == rows(6)[1]).all()


def in_bfloat16(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rounded to 8 bits of mantissa, as a CPU with bfloat16 does."""
    bits = (values.view(np.uint32) + 0x8000) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


def test_bfloat16_agrees_and_another_backbone_does_not(backbone: Backbone) -> None:
    exact = probe_features(backbone, RULE)
    assert agree(exact, in_bfloat16(exact))
    assert not agree(exact, exact[::-1].copy())
    assert not agree(exact, np.full_like(exact, np.nan))


def test_a_cpu_whose_bfloat16_says_otherwise_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may have none, so what it would say is kept where it would have been kept."""
    backbone = load_backbone(EFFICIENTNET_LITE0.name)
    monkeypatch.setattr("fieldmark.features.native_precision", lambda: "bf16")
    exact = probe_features(backbone, RULE)
    hashes = [hashlib.sha256(p.tobytes()).hexdigest() for p in probe_photos(RULE.size_px)]
    for name, rows, precision in (("a", in_bfloat16(exact), "bf16"), ("b", exact[::-1].copy(), "f32")):
        monkeypatch.setenv(CACHE_VARIABLE, f"{os.environ[CACHE_VARIABLE]}-{name}")
        feature_cache(backbone, RULE, "f32").add(hashes, exact)
        feature_cache(backbone, RULE, "bf16").add(hashes, rows)
        assert trusted_precision(backbone, RULE) == precision

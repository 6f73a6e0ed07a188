"""Compiled graphs that are kept: the same answers, and nothing that is damaged is ever used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldmark.cachefolder import CACHE_VARIABLE
from fieldmark.models import compiled
from fieldmark.models.probes import probe_photos
from fieldmark.predictor import Predictor


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled graphs go in this test."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path / "compiled"


def test_what_was_kept_is_loaded_and_gives_the_same_bits(cat_model: Path, kept: Path) -> None:
    first = Predictor.load(cat_model)
    (blob,) = kept.glob("*.blob")
    written = blob.stat().st_ino
    second = Predictor.load(cat_model)
    assert np.array_equal(first.probe(), second.probe())
    assert [one.stat().st_ino for one in kept.glob("*.blob")] == [written]  # read, and not made anew


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied"])
def test_what_is_damaged_is_compiled_anew(cat_model: Path, kept: Path, damage: str) -> None:
    expected = Predictor.load(cat_model).probe()
    (blob,) = kept.glob("*.blob")
    good = blob.read_bytes()
    middle = len(good) // 2
    bad = {"cut": good[:middle], "changed": good[:middle] + b"?" + good[middle + 1 :], "emptied": b""}
    blob.write_bytes(bad[damage])
    assert np.array_equal(Predictor.load(cat_model).probe(), expected)
    assert blob.read_bytes() not in bad.values()  # and kept anew


def test_without_a_folder_of_its_own_it_answers_all_the_same(
    cat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    assert len(Predictor.load(cat_model).probe()) == len(probe_photos(32))


def test_only_those_used_last_are_kept(cat_model: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MOST_KEPT", 2)
    predictor = Predictor.load(cat_model)
    (first,) = kept.glob("*.blob")
    for batch in (2, 3):
        predictor._compile(batch=batch)
    assert len(list(kept.glob("*.blob"))) == 2
    assert not first.exists()


def test_trying_a_model_that_was_just_saved_keeps_nothing(cat_model: Path, kept: Path) -> None:
    Predictor.load(cat_model, kept=False)
    assert not list(kept.glob("*.blob"))

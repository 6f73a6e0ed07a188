"""A visitor says that an answer is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fieldmark.corrections import CorrectionStore
from fieldmark_widgets import Classifier
from fieldmark_widgets.correcting import MAX_OF_ONE_VISIT, Corrector, Said
from fieldmark_widgets.strings.classify import CORRECTION
from widgets.messages import receive

JpegMaker = Callable[..., bytes]


def classify(folder: Path | None, photo: bytes) -> Classifier:
    classifier = Classifier(lambda _photo: {"polar_bear": 0.9, "cat": 0.1}, corrections=folder)
    classifier.add("secret name.jpg", photo)
    classifier.wait()
    return classifier


def say(classifier: Classifier, **message: Any) -> dict[str, Any]:
    """Send what the page sends; gives what it is told."""
    key = classifier.photos[0].key
    receive(classifier, {"kind": "correct", "key": key, **message})
    classifier.wait()
    told: dict[str, Any] = classifier._corrected.get(str(key), {})
    return told


def test_a_correction_is_kept_with_the_answer_and_without_the_name(
    tmp_path: Path, make_jpeg: JpegMaker
) -> None:
    classifier = classify(tmp_path, make_jpeg())
    assert say(classifier, said="cat", consent=True) == {"said": "Cat"}
    (kept,) = CorrectionStore(tmp_path).list()
    assert (kept.answered, kept.said, kept.verdict) == ("polar_bear", "cat", "familiar")
    assert b"secret" not in (tmp_path / "corrections.sqlite").read_bytes()


@pytest.mark.parametrize("consent", [False, None, "true", 1, [True]])
def test_nothing_is_kept_without_consent(consent: object, tmp_path: Path, make_jpeg: JpegMaker) -> None:
    told = say(classify(tmp_path, make_jpeg()), said="cat", consent=consent)
    assert told == {"problem": CORRECTION["no_consent"]}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("said", [None, "", "   ", 7, "x" * 101])
def test_a_correction_that_names_nothing_gets_a_sentence(
    said: object, tmp_path: Path, make_jpeg: JpegMaker
) -> None:
    told = say(classify(tmp_path, make_jpeg()), said=said, consent=True)
    assert told["problem"].startswith("Say what it is first")
    assert list(tmp_path.iterdir()) == []


def test_a_visitor_can_take_it_back(tmp_path: Path, make_jpeg: JpegMaker) -> None:
    classifier = classify(tmp_path, make_jpeg())
    say(classifier, said="cat", consent=True)
    receive(classifier, {"kind": "take_back", "key": classifier.photos[0].key})
    classifier.wait()
    assert CorrectionStore(tmp_path).list() == []
    assert list((tmp_path / "photos").iterdir()) == []
    assert classifier._corrected == {str(classifier.photos[0].key): {"taken_back": True}}


def test_a_second_correction_takes_the_place_of_the_first(tmp_path: Path, make_jpeg: JpegMaker) -> None:
    classifier = classify(tmp_path, make_jpeg())
    for said in ("cat", "dog"):
        say(classifier, said=said, consent=True)
    assert [kept.said for kept in CorrectionStore(tmp_path).list()] == ["dog"]


def test_without_a_store_nobody_is_asked_and_nothing_is_kept(tmp_path: Path, make_jpeg: JpegMaker) -> None:
    classifier = classify(None, make_jpeg())
    assert not classifier._corrects
    assert say(classifier, said="cat", consent=True) == {}


@pytest.mark.parametrize("key", [None, -1, "1", [1], 10**9])
def test_a_photo_that_is_not_there_cannot_be_corrected(
    key: object, tmp_path: Path, make_jpeg: JpegMaker
) -> None:
    classifier = classify(tmp_path, make_jpeg())
    receive(classifier, {"kind": "correct", "key": key, "said": "cat", "consent": True})
    receive(classifier, {"kind": "take_back", "key": key})
    classifier.wait()
    assert (classifier._corrected, classifier.problem) == ({}, "")


def test_a_full_store_is_a_sentence_beside_the_answer(
    tmp_path: Path, make_jpeg: JpegMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = classify(tmp_path, make_jpeg())
    assert classifier._corrector is not None
    classifier._corrector = Corrector(CorrectionStore(tmp_path, max_kept=0))
    assert "waiting to be looked at" in say(classifier, said="cat", consent=True)["problem"]


def test_one_visit_keeps_a_bounded_number(
    tmp_path: Path, make_jpeg: JpegMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldmark_widgets.correcting.MAX_OF_ONE_VISIT", 1)
    classifier = classify(tmp_path, make_jpeg())
    classifier.add("b.jpg", make_jpeg((9, 9, 9)))
    classifier.wait()
    corrector = Corrector(CorrectionStore(tmp_path))
    corrector.keep(classifier.photos[0], Said("cat", consent=True))
    with pytest.raises(Exception, match="enough for one visit"):
        corrector.keep(classifier.photos[1], Said("cat", consent=True))
    assert MAX_OF_ONE_VISIT > 1

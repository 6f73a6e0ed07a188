"""Predictor: one answer a photo, in order, from any thread, and the same however photos come."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event

import numpy as np
import pytest
from PIL import Image
from skimage import data

from fieldmark.errors import BadImageError, ModelFileError
from fieldmark.modelfile import Calibration
from fieldmark.models.engine import Engine
from fieldmark.prediction import Failure, Prediction
from fieldmark.predictor import FEW, Predictor


@pytest.fixture(scope="module")
def predictor(cat_model: Path) -> Predictor:
    return Predictor.load(cat_model)


def jpeg(pixels: Image.Image) -> bytes:
    buffer = io.BytesIO()
    pixels.save(buffer, "JPEG")
    return buffer.getvalue()


CAT = jpeg(Image.fromarray(data.chelsea()))
PHOTOS = [
    CAT,
    *(jpeg(Image.fromarray(getattr(data, n)()).convert("RGB")) for n in ("coffee", "rocket", "brick")),
]


def probs(answers: list[Prediction | Failure]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([list(answer.probs.values()) for answer in answers])  # type: ignore[union-attr]


def test_a_cat_is_a_cat(predictor: Predictor) -> None:
    (answer,) = predictor.predict([CAT])
    assert isinstance(answer, Prediction)
    assert answer.label == "cat"
    assert list(answer.probs) == ["cat", "dog", "no animal"]
    assert sum(answer.probs.values()) == pytest.approx(1)
    assert answer.prob == max(answer.probs.values())


def test_a_model_that_learned_without_photos_does_not_speak_of_familiarity(predictor: Predictor) -> None:
    (answer,) = predictor.predict([CAT])
    assert answer.familiarity_p is None  # type: ignore[union-attr]
    assert answer.verdict in ("familiar", "unsure")  # type: ignore[union-attr]


def test_bad_photos_are_failures_in_their_places(predictor: Predictor) -> None:
    photos = [b"", CAT, b"no photo", CAT[: len(CAT) // 2], *PHOTOS, b"\xff\xd8", *PHOTOS, *PHOTOS, b""]
    answers = predictor.predict(photos)
    assert [isinstance(a, Failure) for a in answers] == [p not in PHOTOS for p in photos]
    assert [a.code for a in answers if isinstance(a, Failure)][:3] == ["empty", "not_an_image", "truncated"]
    assert all(a.reason.endswith(".") for a in answers if isinstance(a, Failure))
    assert [isinstance(a, Failure) for a in predictor.predict([b"", CAT], alone=False)] == [True, False]


def test_alone_or_among_few_or_many_a_photo_has_the_same_answer(predictor: Predictor) -> None:
    many = probs(predictor.predict(PHOTOS * 5))
    alone = probs([predictor.predict([photo])[0] for photo in PHOTOS])
    for is_alone in (True, False):
        few = probs(predictor.predict(PHOTOS[:3], alone=is_alone))
        assert np.abs(few - alone[:3]).max() < 0.02
    assert np.abs(many[:4] - alone).max() < 0.02  # bfloat16 rounds otherwise in another batch
    assert np.abs(many.reshape(5, 4, 3) - many[:4]).max() < 1e-5


def test_sixteen_threads_get_their_own_answers(predictor: Predictor) -> None:
    expected = probs([predictor.predict([photo])[0] for photo in PHOTOS])
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda i: predictor.predict([PHOTOS[i % 4]])[0], range(64)))
    assert np.abs(probs(found).reshape(16, 4, 3) - expected).max() < 1e-5


def test_threads_that_ask_first_compile_an_engine_once(
    cat_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, compile_one = list[int](), Predictor._compile

    def counted(self: Predictor, *, batch: int) -> Engine:
        compiled.append(batch)
        return compile_one(self, batch=batch)

    monkeypatch.setattr(Predictor, "_compile", counted)
    predictor, together = Predictor.load(cat_model, precision="f32"), Barrier(4)

    def ask(_: int) -> list[Prediction | Failure]:
        together.wait()
        return predictor.predict(PHOTOS[:2], alone=False)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert compiled == [1, FEW]
    assert np.ptp([probs(answers) for answers in found], axis=0).max() < 1e-5


def test_photos_are_decoded_while_the_engine_for_them_is_compiled(
    cat_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor, asked, compile_one = Predictor.load(cat_model, precision="f32"), Event(), Predictor._compile

    def once_asked(self: Predictor, *, batch: int) -> Engine:
        assert asked.wait(60)
        return compile_one(self, batch=batch)

    def photos() -> Iterator[bytes]:
        asked.set()
        yield from PHOTOS

    monkeypatch.setattr(Predictor, "_compile", once_asked)
    assert len(list(predictor.stream(photos()))) == len(PHOTOS)


def test_an_engine_that_could_not_be_compiled_is_tried_again(
    cat_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor.load(cat_model, precision="f32")
    with monkeypatch.context() as patched:
        patched.setattr(Predictor, "_compile", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            predictor.predict(PHOTOS[:2])
    assert len(predictor.predict(PHOTOS[:2])) == 2


def test_a_stream_holds_a_window_of_photos_and_not_all_of_them(predictor: Predictor) -> None:
    asked = 0

    def photos() -> Iterator[bytes]:
        nonlocal asked
        for _ in range(200):
            asked += 1
            yield PHOTOS[asked % 4]

    stream = predictor.stream(photos())
    next(stream)
    assert asked < 200  # the window, and the batches that the engine holds
    assert sum(1 for _ in stream) == 199


def test_a_stream_may_be_left_early(predictor: Predictor) -> None:
    stream = predictor.stream(PHOTOS * 20)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(predictor.predict(PHOTOS)) == 4


def test_the_map_of_a_cat_lies_on_the_cat(predictor: Predictor) -> None:
    shown = predictor.explain(CAT, "cat")
    assert shown.values.shape == (7, 7)
    assert (shown.values.min(), shown.values.max()) == (pytest.approx(0, abs=0.2), 1)
    left, top, right, bottom = shown.region
    assert left == pytest.approx((451 - 300) / 2 / 451)
    assert (top, bottom) == (0, 1)
    assert right == pytest.approx(1 - left)


def test_a_map_needs_a_class_that_is_there_and_a_photo(predictor: Predictor) -> None:
    with pytest.raises(ValueError, match="'bird' is none of cat, dog"):
        predictor.explain(CAT, "bird")
    with pytest.raises(BadImageError):
        predictor.explain(b"no photo")


def test_a_file_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="train a model first") as raised:
        Predictor.load(tmp_path / "none.onnx")
    assert raised.value.code == "no_model"


# --- Verdicts -------------------------------------------------------------------------------------------------


KNOWN = tuple(map(float, range(1, 100)))


def verdict(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch, score: float, limits: object
) -> Prediction:
    """What is said of a photo whose two scores are `score`, by a model whose known photos had 1 … 99."""
    calibration = Calibration(KNOWN, KNOWN, 0.05, limits)  # type: ignore[arg-type]
    monkeypatch.setattr(predictor, "info", replace(predictor.info, calibration=calibration, prob_min=0.5))
    scores = np.array([score], np.float32)
    (answer,) = predictor._predictions(
        {"probs": np.array([[0.9, 0.1, 0]]), "knn": scores, "mahalanobis": scores}
    )
    return answer


@pytest.mark.parametrize(
    ("score", "p", "limits", "expected"),
    [
        (50, 1.0, (120.0, 120.0), "familiar"),
        (98.5, 0.04, (120.0, 120.0), "familiar"),  # stranger than 98 of 99, but no more than another source
        (130, 0.02, (120.0, 120.0), "unfamiliar"),
        (130, 0.02, (120.0, 140.0), "unfamiliar"),  # one of the two suffices
        (98.5, 0.04, None, "unfamiliar"),  # a file of before
    ],
)
def test_a_photo_is_unfamiliar_when_it_is_stranger_than_another_source_would_be(
    predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
    score: float,
    p: float,
    limits: object,
    expected: str,
) -> None:
    answer = verdict(predictor, monkeypatch, score, limits)
    assert answer.familiarity_p == pytest.approx(p)
    assert answer.verdict == expected

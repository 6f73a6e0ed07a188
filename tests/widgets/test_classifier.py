from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from PIL import Image

from fieldmark.predictor import ActivationMap, Failure, Prediction
from fieldmark_widgets import Classifier, Uploader
from fieldmark_widgets.classifier import MAX_PHOTOS
from fieldmark_widgets.sample import Sample, samples
from widgets.messages import receive, sent, set_trait

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def by_colour(photo: Image.Image) -> Mapping[str, float]:
    """A classifier that needs no weights: the share of each colour."""
    red, green, blue = np.asarray(photo, dtype=float).reshape(-1, 3).mean(axis=0)
    total = red + green + blue
    return {"red": red / total, "green": green / total, "blue": blue / total}


class ColourModel:
    """The same as a model of several methods, with a map."""

    def __init__(self) -> None:
        self.explained = 0

    def predict(self, photos: Sequence[bytes], /) -> list[Prediction | Failure]:
        return [Prediction("red", 0.9, {"red": 0.9, "green": 0.1}, "familiar", 0.5) for _ in photos]

    def explain(self, photo: bytes, label: str | None = None) -> ActivationMap:
        self.explained += 1
        return ActivationMap(np.eye(7, dtype=np.float32), (0.1, 0.0, 0.9, 1.0))


@pytest.fixture
def classifier() -> Classifier:
    return Classifier(by_colour)


def test_a_photo_gets_its_prediction(classifier: Classifier, make_jpeg: Callable[..., bytes]) -> None:
    classifier.add("red.jpg", make_jpeg(RED))
    assert classifier.state == "busy"
    classifier.wait()
    (prediction,) = classifier.predictions
    assert prediction.label == "red"
    assert prediction.prob > 0.7
    assert (classifier.state, classifier.selected) == ("ready", 0)
    assert classifier._shown["answer"]["title"] == "Red"


def test_predictions_keep_the_order_of_the_photos(
    classifier: Classifier, make_jpeg: Callable[..., bytes]
) -> None:
    for name, colour in (("r", RED), ("g", GREEN), ("b", BLUE)):
        classifier.add(name, make_jpeg(colour))
    classifier.wait()
    assert [prediction.label for prediction in classifier.predictions] == ["red", "green", "blue"]
    assert [photo.name for photo in classifier.photos] == ["r", "g", "b"]


def test_a_bad_photo_fails_in_its_place_and_the_rest_is_answered(
    classifier: Classifier, make_jpeg: Callable[..., bytes]
) -> None:
    jpeg = make_jpeg(GREEN, (640, 480))
    for name, content in (
        ("notes.txt", b"hello"),
        ("cut.jpg", jpeg[:-200]),
        ("green.jpg", jpeg),
        ("none", b""),
    ):
        classifier.add(name, content)
    classifier.wait()
    first, second, third, fourth = classifier.predictions
    assert [first.code, second.code, third.label, fourth.code] == [
        "not_an_image",
        "truncated",
        "green",
        "empty",
    ]
    assert classifier.state == "ready"


def test_only_bad_photos_make_a_failed_state(classifier: Classifier) -> None:
    classifier.add("notes.txt", b"hello")
    classifier.wait()
    assert classifier.state == "failed"
    answer = classifier._shown["answer"]
    assert (answer["intro"], answer["title"]) == ("notes.txt", "Not an image")


@pytest.mark.usefixtures("expects_unexpected")
def test_a_model_that_breaks_is_a_numbered_failure_without_a_traceback(
    make_jpeg: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_photo: Image.Image) -> Mapping[str, float]:
        raise RuntimeError("secret path /home/somebody")

    classifier = Classifier(broken)
    classifier.add("a.jpg", make_jpeg())
    classifier.wait()
    (failure,) = classifier.predictions
    assert failure.code == "unexpected"
    assert "secret" not in str(classifier.get_state())
    (record,) = caplog.records
    number = record.args[0]  # type: ignore[index]
    assert f"({number})" in failure.reason
    assert record.exc_info and "secret" in str(record.exc_info[1])


@pytest.mark.parametrize("answer", [{}, None, "cat", {"cat": float("nan")}, {"cat": 3.0}, {"cat": "high"}])
def test_a_function_that_gives_no_probabilities_is_told_what_was_expected(
    answer: object, make_jpeg: Callable[..., bytes]
) -> None:
    classifier = Classifier(lambda _photo: answer)  # type: ignore[arg-type, return-value]
    classifier.add("a.jpg", make_jpeg())
    classifier.wait()
    assert "expected a dict of at least one label to its probability" in classifier.predictions[0].reason


def test_what_cannot_classify_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="a Predictor or a function from a photo"):
        Classifier("bears.onnx")  # type: ignore[arg-type]


def test_the_file_itself_is_neither_kept_nor_shown(make_jpeg: Callable[..., bytes]) -> None:
    classifier = Classifier(by_colour)
    content = make_jpeg() + b"<script>alert(1)</script>"
    classifier.add("a.jpg", content)
    classifier.wait()
    assert classifier.uploader.files == ()
    jpeg = classifier._shown["jpeg"]
    assert jpeg.startswith(b"\xff\xd8")
    assert b"script" not in jpeg


def test_the_kernel_stays_free_while_a_photo_is_classified(make_jpeg: Callable[..., bytes]) -> None:
    gate = threading.Event()

    def slow(_photo: Image.Image) -> Mapping[str, float]:
        gate.wait(10)
        return {"red": 1.0}

    classifier = Classifier(slow)
    start = time.monotonic()
    classifier.add("a.jpg", make_jpeg())
    set_trait(classifier, show_map=False)
    assert time.monotonic() - start < 5  # half of what the answer waits for
    assert (classifier.state, classifier.show_map) == ("busy", False)
    gate.set()
    classifier.wait()
    assert classifier.state == "ready"


def test_start_again_forgets_also_what_is_being_looked_at(make_jpeg: Callable[..., bytes]) -> None:
    gate = threading.Event()

    def slow(_photo: Image.Image) -> Mapping[str, float]:
        gate.wait(10)
        return {"red": 1.0}

    classifier = Classifier(slow)
    classifier.add("old.jpg", make_jpeg())
    receive(classifier, {"kind": "clear"})
    assert classifier.state == "empty"
    classifier.add("new.jpg", make_jpeg())
    gate.set()
    classifier.wait()
    assert [photo.name for photo in classifier.photos] == ["new.jpg"]


def test_the_first_photo_of_a_new_batch_is_shown(
    classifier: Classifier, make_jpeg: Callable[..., bytes]
) -> None:
    for names in (["a", "b"], ["c", "d", "e"]):
        for name in names:
            classifier.add(name, make_jpeg())
        classifier.wait()
    assert classifier.photos[classifier.selected].name == "c"


def test_photos_that_come_while_sending_goes_on_do_not_take_the_stage(
    make_jpeg: Callable[..., bytes],
) -> None:
    classifier, jpeg = Classifier(by_colour), make_jpeg()
    for key in "ab":
        receive(classifier.uploader, {"kind": "begin", "id": key, "name": key, "size": len(jpeg)})
    for key in "ab":
        receive(classifier.uploader, {"kind": "chunk", "id": key, "offset": 0}, jpeg)
        classifier.wait()
    assert len(classifier.photos) == 2
    assert classifier.selected == 0


def test_the_page_chooses_which_photo_is_shown(
    classifier: Classifier, make_jpeg: Callable[..., bytes]
) -> None:
    for name, colour in (("r", RED), ("g", GREEN)):
        classifier.add(name, make_jpeg(colour))
    classifier.wait()
    set_trait(classifier, selected=1)
    assert (classifier._shown["name"], classifier._shown["answer"]["title"]) == ("g", "Green")
    set_trait(classifier, selected=99)
    assert classifier._shown is None


def test_a_page_cannot_set_what_is_the_kernels(classifier: Classifier) -> None:
    set_trait(classifier, state="ready", problem="x", _rows=[{"name": "x"}])
    assert (classifier.state, classifier.problem, classifier._rows) == ("empty", "", [])


def test_thumbnails_are_sent_when_the_page_asks(
    classifier: Classifier, make_jpeg: Callable[..., bytes]
) -> None:
    classifier.add("a.jpg", make_jpeg())
    classifier.add("notes.txt", b"hello")
    classifier.wait()
    keys = [row["key"] for row in classifier._rows]
    receive(classifier, {"kind": "thumbs", "keys": [*keys, 10**9]})
    assert sent(classifier) == [{"kind": "thumb", "key": keys[0]}]


def test_the_oldest_photos_make_room(make_jpeg: Callable[..., bytes]) -> None:
    classifier, jpeg = Classifier(by_colour), make_jpeg(size=(8, 8))
    for n in range(MAX_PHOTOS + 3):
        classifier.add(f"{n}.jpg", jpeg)
    classifier.wait()
    assert len(classifier.photos) == len(classifier.predictions) == MAX_PHOTOS
    assert classifier.photos[0].name == "3.jpg"
    assert classifier.selected == 0


def test_the_map_covers_the_part_it_was_made_from(make_jpeg: Callable[..., bytes]) -> None:
    classifier = Classifier(ColourModel())
    classifier.add("a.jpg", make_jpeg())
    classifier.wait()
    overlay = classifier._overlay
    assert overlay["key"] == classifier._shown["key"]
    assert overlay["region"] == (0.1, 0.0, 0.9, 1.0)
    assert overlay["png"].startswith(b"\x89PNG")


def test_a_map_is_computed_once_and_only_when_it_is_wanted(make_jpeg: Callable[..., bytes]) -> None:
    model = ColourModel()
    classifier = Classifier(model, show_map=False)
    classifier.add("a.jpg", make_jpeg())
    classifier.wait()
    assert (model.explained, classifier._overlay) == (0, None)
    for show in (True, False, True):
        set_trait(classifier, show_map=show)
        classifier.wait()
    assert model.explained == 1
    assert classifier._overlay is not None


class TwoInOne(ColourModel):
    """One that gives answer and map in one pass, as a Predictor does."""

    def predict_and_explain(self, photo: bytes) -> tuple[Prediction | Failure, ActivationMap]:
        return self.predict([photo])[0], ActivationMap(np.eye(7, dtype=np.float32), (0.1, 0.0, 0.9, 1.0))


def test_a_photo_that_is_shown_at_once_gets_its_map_with_its_answer(make_jpeg: Callable[..., bytes]) -> None:
    model = TwoInOne()
    classifier = Classifier(model)
    classifier.comm.sent.clear()
    classifier.add("a.jpg", make_jpeg())
    classifier.wait()
    assert model.explained == 0
    (shown,) = [data["state"] for data, _ in classifier.comm.sent if "_shown" in data.get("state", {})]
    assert shown["_overlay"]["key"] == shown["_shown"]["key"]


def test_what_was_shown_leaves_the_memory_and_comes_back(make_jpeg: Callable[..., bytes]) -> None:
    classifier = Classifier(ColourModel())
    for name in ("a.jpg", "b.jpg"):
        classifier.add(name, make_jpeg())
        classifier.wait()
    before = classifier._shown, classifier._overlay
    set_trait(classifier, selected=0)
    set_trait(classifier, selected=1)
    assert (classifier._shown, classifier._overlay) == before
    assert not any(
        isinstance(value, bytes)
        for photo in classifier.photos
        for value in vars(photo.picture.large).values()
    )


def test_a_function_has_no_map(classifier: Classifier, make_jpeg: Callable[..., bytes]) -> None:
    classifier.add("a.jpg", make_jpeg())
    classifier.wait()
    assert classifier._overlay is None


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_a_sample_photo_is_a_click_away(classifier: Classifier, sample: Sample) -> None:
    receive(classifier, {"kind": "sample", "name": sample.name})
    classifier.wait()
    assert isinstance(classifier.predictions[0], Prediction)
    assert sample.thumb[:2] == b"\xff\xd8", "a JPEG"


@pytest.mark.parametrize("name", ["", "../chelsea", "page", None, ["cat"]])
def test_a_sample_that_is_not_offered_is_not_given(classifier: Classifier, name: object) -> None:
    receive(classifier, {"kind": "sample", "name": name})
    classifier.wait()
    assert classifier.predictions == []
    assert classifier.problem == ""


def test_stop_keeps_what_is_answered_and_forgets_the_rest(make_jpeg: Callable[..., bytes]) -> None:
    go_on = threading.Event()
    go_on.set()

    def slow(_photo: Image.Image) -> dict[str, float]:
        assert go_on.wait(10)
        return {"red": 1.0}

    classifier = Classifier(slow)
    classifier.add("first.jpg", make_jpeg())
    classifier.wait()
    go_on.clear()
    for name in ("second.jpg", "third.jpg"):
        classifier.add(name, make_jpeg())
    assert classifier._waiting == 2
    receive(classifier, {"kind": "stop"})
    go_on.set()
    classifier.wait()
    assert [photo.name for photo in classifier.photos] == ["first.jpg"]
    assert (classifier.state, classifier._waiting) == ("ready", 0)


def test_an_uploader_of_ones_own_can_be_handed_in(make_jpeg: Callable[..., bytes]) -> None:
    uploader = Uploader(max_upload_mib=1)
    uploader.add("before.jpg", make_jpeg())
    classifier = Classifier(by_colour, uploader=uploader)
    classifier.wait()
    assert [photo.name for photo in classifier.photos] == ["before.jpg"]


def test_a_closed_classifier_takes_no_new_work(
    classifier: Classifier, make_jpeg: Callable[..., bytes]
) -> None:
    classifier.close()
    classifier.add("a.jpg", make_jpeg())
    assert classifier.photos == ()

"""Gives everything that classifies one face: a Predictor of ours, or any function of yours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from PIL import Image

from fieldmark.errors import BadImageError, FieldmarkError
from fieldmark.images import open_photo
from fieldmark.prediction import ActivationMap, Failure, Prediction
from fieldmark_widgets.strings.classify import PROBLEM

ClassifyFunction = Callable[[Image.Image], Mapping[str, float]]
"""From an upright RGB photo to the probability of each label."""

UNSURE_PROB = 0.7
"""An answer of a bare function below this is called unsure; it carries no threshold of its own."""


@runtime_checkable
class Model(Protocol):
    """What a classifier needs of a model; `fieldmark.predictor.Predictor` is one."""

    def predict(self, photos: Sequence[bytes], /) -> Sequence[Prediction | Failure]:
        """Answer for each photo, in order; a bad one is a Failure in its place."""


class FunctionModel:
    """A function from a photo to {label: probability}, as a Model."""

    def __init__(self, classify: ClassifyFunction) -> None:
        self._classify = classify

    def predict(self, photos: Sequence[bytes], /) -> list[Prediction | Failure]:
        """Answer for each photo, in order; a bad one is a Failure in its place."""
        return [self._predict_one(photo) for photo in photos]

    def _predict_one(self, photo: bytes) -> Prediction | Failure:
        try:
            image = open_photo(photo).image
        except BadImageError as error:
            return Failure(error.code, str(error))
        probs = _check_probs(self._classify(image))
        label, prob = max(probs.items(), key=lambda item: item[1])
        return Prediction(label, prob, probs, "familiar" if prob >= UNSURE_PROB else "unsure", None)


def as_model(model: Model | ClassifyFunction) -> Model:
    """Take what the caller has.

    Raises:
        TypeError: it neither predicts nor can be called.
    """
    if isinstance(model, Model):
        return model
    if callable(model):
        return FunctionModel(model)
    raise TypeError(f"a Predictor or a function from a photo to {{label: probability}}, not {model!r}")


def explains(model: Model) -> bool:
    """Whether it can tell where it looked."""
    return hasattr(model, "explain")


def answer(
    model: Model, photo: bytes, *, with_map: bool
) -> tuple[Prediction | Failure, ActivationMap | None]:
    """Answer for one photo, and with the map where the model gives both in one pass.

    Raises:
        BadImageError: the photo is not accepted; some models give a Failure instead.
    """
    both = getattr(model, "predict_and_explain", None) if with_map else None
    if both is None:
        (prediction,) = model.predict([photo])
        return prediction, None
    answered: tuple[Prediction | Failure, ActivationMap | None] = both(photo)
    return answered


def explain(model: Model, photo: bytes, label: str) -> ActivationMap | None:
    """Where the model looked for `label`; None where it cannot tell."""
    method = getattr(model, "explain", None)
    if method is None:
        return None
    activation: ActivationMap = method(photo, label)
    return activation


def _check_probs(answer: Any) -> dict[str, float]:
    try:
        probs = {str(label): float(prob) for label, prob in answer.items()}
    except (AttributeError, TypeError, ValueError):
        probs = {}
    if not probs or not all(math.isfinite(prob) and -1e-6 <= prob <= 1 + 1e-6 for prob in probs.values()):
        raise FieldmarkError(PROBLEM["bad_callable"].format(answer=repr(answer)[:80]), code="bad_callable")
    return probs

"""One photo, from the bytes that came to all that is shown of it. Runs in a worker thread; knows no widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from fieldmark.errors import BadImageError
from fieldmark.prediction import ActivationMap, Failure, Prediction
from fieldmark_widgets.answer import Answer, say_answer
from fieldmark_widgets.guard import explain_error
from fieldmark_widgets.models import Model, answer, explain
from fieldmark_widgets.picture import Picture, draw_map, make_picture
from fieldmark_widgets.shelf import Kept
from fieldmark_widgets.transfer import Upload

_keys = count(1)


@dataclass(frozen=True)
class Overlay:
    """Where the model looked, to be laid over the photo."""

    drawn: Kept
    """A PNG."""
    region: tuple[float, float, float, float]
    """Left, top, right and bottom of what it covers, as fractions of the photo."""


@dataclass(frozen=True)
class ClassifiedPhoto:
    """A photo and what came of it. The file itself is not kept."""

    name: str
    prediction: Prediction | Failure
    answer: Answer
    picture: Picture | None
    """None where the photo could not be read."""
    model: Model = field(repr=False, compare=False)
    """The one that answered; by now another may be at work."""
    key: int = field(default_factory=lambda: next(_keys))
    """Tells photos apart, also two of the same name."""


def classify(
    newest: Callable[[], Model], upload: Upload, keep: Callable[[bytes], Kept], *, with_map: bool = False
) -> tuple[ClassifiedPhoto, Overlay | None]:
    """Answer for one upload; whatever is wrong with it, or with the model, is a Failure in the answer.

    Args:
        keep: where its pictures go.
        with_map: whether somebody is about to look at it. None for a map means that it is still to be asked for.
    """
    model, activation, picture = newest(), None, None
    prediction: Prediction | Failure
    try:
        prediction, activation = answer(model, upload.content, with_map=with_map)
        if getattr(model, "is_replaced", False):  # another one has answered
            model = newest()
        picture = None if isinstance(prediction, Failure) else make_picture(upload.content, keep)
    except BadImageError as error:
        prediction, picture = Failure(error.code, str(error)), None
    except Exception as error:  # one bad photo must not end the rest
        prediction, picture = Failure("unexpected", explain_error(error)), None
    photo = ClassifiedPhoto(upload.name, prediction, say_answer(upload.name, prediction), picture, model)
    return photo, None if picture is None or activation is None else _overlay(activation, keep)


def look(photo: ClassifiedPhoto, keep: Callable[[bytes], Kept]) -> Overlay | None:
    """Where the model looked for its answer, from the shown picture; None where it cannot tell."""
    if photo.picture is None or isinstance(photo.prediction, Failure):
        return None
    activation = explain(photo.model, photo.picture.jpeg, photo.prediction.label)
    return None if activation is None else _overlay(activation, keep)


def _overlay(activation: ActivationMap, keep: Callable[[bytes], Kept]) -> Overlay:
    return Overlay(keep(draw_map(activation)), activation.region)

"""One photo, from the bytes that came to all that is shown of it. Runs in a worker thread; knows no widget."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from fieldmark.errors import BadImageError
from fieldmark.prediction import Failure, Prediction
from fieldmark_widgets.answer import Answer, say_answer
from fieldmark_widgets.guard import explain_error
from fieldmark_widgets.models import Model, explain
from fieldmark_widgets.picture import Picture, draw_map, make_picture
from fieldmark_widgets.transfer import Upload

_keys = count(1)


@dataclass(frozen=True)
class Overlay:
    """Where the model looked, to be laid over the photo."""

    png: bytes
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


def classify(model: Model, upload: Upload) -> ClassifiedPhoto:
    """Answer for one upload; whatever is wrong with it, or with the model, is a Failure in the answer."""
    try:
        (prediction,) = model.predict([upload.content])
        picture = None if isinstance(prediction, Failure) else make_picture(upload.content)
    except BadImageError as error:
        prediction, picture = Failure(error.code, str(error)), None
    except Exception as error:  # one bad photo must not end the rest
        prediction, picture = Failure("unexpected", explain_error(error)), None
    return ClassifiedPhoto(upload.name, prediction, say_answer(upload.name, prediction), picture, model)


def look(photo: ClassifiedPhoto) -> Overlay | None:
    """Where the model looked for its answer, from the shown picture; None where it cannot tell."""
    if photo.picture is None or isinstance(photo.prediction, Failure):
        return None
    activation = explain(photo.model, photo.picture.jpeg, photo.prediction.label)
    return None if activation is None else Overlay(draw_map(activation), activation.region)

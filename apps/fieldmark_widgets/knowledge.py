"""What a model knows and where it fails, in the words of its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldmark_widgets.answer import say_label
from fieldmark_widgets.strings import ANSWER, CLASSIFIER, HONEST, HONEST_WITHOUT_PHOTOS, OWN_COMMANDS


@dataclass(frozen=True)
class Knowledge:
    """The panel "What this model knows"; an empty part is not shown."""

    title: str = ""
    summary: str = ""
    source: str = ""
    """How many photos it learned from."""
    kinds: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    """What it will not do well."""
    file: str = ""
    """The beginning of the model file's SHA-256."""
    own_commands: tuple[str, ...] = ()
    """What to type for a model of one's own, where this one is of nobody's photos."""
    honest: tuple[tuple[str, str, str], ...] = ()
    """Examples of a doubtful answer: verdict, its word, what is said."""


def describe_model(model: Any) -> Knowledge:
    """Read a Predictor's card; a bare function has none, so only honesty is left to explain."""
    card = getattr(model, "card", None)
    trained = bool(getattr(card, "n_train", 0))
    honest = tuple(
        (verdict, ANSWER[verdict], text) for verdict, text in (HONEST if trained else HONEST_WITHOUT_PHOTOS)
    )
    if card is None:
        return Knowledge(honest=honest)
    return Knowledge(
        title=say_label(card.title),
        summary=card.summary,
        source=CLASSIFIER["n_train"].format(n=f"{card.n_train:,}") if trained else CLASSIFIER["n_train_none"],
        kinds=tuple(say_label(label) for label in model.vocab),
        limits=tuple(card.limits),
        file=CLASSIFIER["file"].format(sha=model.sha256[:12]),
        own_commands=() if trained else OWN_COMMANDS,
        honest=honest,
    )

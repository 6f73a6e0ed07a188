"""What a model knows and where it fails, in the words of its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldmark_widgets.answer import say_label
from fieldmark_widgets.strings.classify import ANSWER, CLASSIFIER, HONEST, OWN_COMMANDS


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
    kinds = tuple(say_label(label) for label in getattr(model, "vocab", ()))
    if card is None:
        return Knowledge(honest=_say_honest(kinds, trained))
    return Knowledge(
        title=say_label(card.title),
        summary=card.summary,
        source=CLASSIFIER["n_train"].format(n=f"{card.n_train:,}") if trained else CLASSIFIER["n_train_none"],
        kinds=kinds,
        limits=tuple(card.limits),
        file=CLASSIFIER["file"].format(sha=model.sha256[:12]),
        own_commands=() if trained else OWN_COMMANDS,
        honest=_say_honest(kinds, trained),
    )


def _say_honest(kinds: tuple[str, ...], trained: bool) -> tuple[tuple[str, str, str], ...]:
    """Examples of a doubtful answer, with the model's own kinds where it has two."""
    first, second = kinds[:2] if len(kinds) > 1 else (HONEST["first"], HONEST["second"])
    unsure = HONEST["unsure"].format(first=first, second=second[:1].lower() + second[1:])
    unfamiliar = HONEST["unfamiliar" if trained else "unfamiliar_without_photos"]
    return (("unsure", ANSWER["unsure"], unsure), ("unfamiliar", ANSWER["unfamiliar"], unfamiliar))

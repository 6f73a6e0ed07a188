"""Puts a prediction into words, for somebody who has never heard of a calibrated probability."""

from __future__ import annotations

from dataclasses import dataclass

from fieldmark.prediction import Failure, Prediction
from fieldmark_widgets.strings.classify import ANSWER

RIVAL_PROB = 0.1
"""From here on the second answer is named beside an unsure first one."""


@dataclass(frozen=True)
class Bar:
    """One kind and how likely it is."""

    label: str
    prob: float
    percent: str
    value: str
    """The class as the model calls it."""


@dataclass(frozen=True)
class Answer:
    """An answer as it is shown: plain text throughout."""

    intro: str
    """The small line above: "This looks like a"."""
    title: str
    """The answer itself, large: "Grizzly bear"."""
    verdict: str
    """familiar, clear, unsure, unfamiliar or failed; the style sheet gives each its colour and shape."""
    word: str
    """The verdict in a word."""
    text: str
    """What the verdict means here."""
    bars: tuple[Bar, ...]
    """Every kind, the likeliest first."""
    announcement: str
    """All of it in one line, for a screen reader."""


def say_answer(name: str, result: Prediction | Failure) -> Answer:
    """Word what came of the photo called `name`."""
    if isinstance(result, Failure):
        return _say_failure(name, result)
    ranked = sorted(result.probs.items(), key=lambda item: -item[1])
    bars = tuple(Bar(say_label(label), prob, say_percent(prob), label) for label, prob in ranked)
    verdict = _verdict(result)
    intro, title, text = _say_unsure(ranked) if verdict == "unsure" else _say_sure(verdict, bars[0].label)
    announcement = ANSWER["announce"].format(
        name=name, label=title, percent=bars[0].percent, verdict=ANSWER[verdict], text=text
    )
    return Answer(intro, title, verdict, ANSWER[verdict], text, bars, announcement)


def say_label(label: str) -> str:
    """A class name as a person would write it: "no_bear" becomes "No bear"."""
    words = _spaced(label)
    return words[:1].upper() + words[1:]


def say_percent(prob: float) -> str:
    """A probability in whole percent, never 0 or 100 where it is neither."""
    if 0 < prob < 0.005:
        return "<\u202f1\u202f%"
    if 0.995 <= prob < 1:
        return ">\u202f99\u202f%"
    return f"{prob * 100:.0f}\u202f%"


def _verdict(result: Prediction) -> str:
    """The model's verdict; without training photos nothing is "familiar", only clear."""
    return "clear" if result.verdict == "familiar" and result.familiarity_p is None else result.verdict


def _say_sure(verdict: str, title: str) -> tuple[str, str, str]:
    """Intro, title and text of an answer that stands alone."""
    intro = ANSWER["closest"] if verdict == "unfamiliar" else _with_article(ANSWER["this_looks_like"], title)
    return intro, title, ANSWER[f"{verdict}_text"]


def _say_unsure(ranked: list[tuple[str, float]]) -> tuple[str, str, str]:
    """Intro, title and text of an answer between two kinds, or of a weak one."""
    label, prob = ranked[0]
    first = say_label(label)
    intro = _with_article(ANSWER["this_could_be"], first)
    if len(ranked) < 2 or ranked[1][1] < RIVAL_PROB:
        text = ANSWER["unsure_alone_text"].format(first=first, p_first=say_percent(prob))
        return intro, f"{first}?", text
    second, p_second = _spaced(ranked[1][0]), say_percent(ranked[1][1])
    text = ANSWER["unsure_text"].format(
        first=first, p_first=say_percent(prob), second=second, p_second=p_second
    )
    return intro, ANSWER["or"].format(first=first, second=second), text


def _spaced(label: str) -> str:
    return label.replace("_", " ").strip() or label


def _with_article(start: str, label: str) -> str:
    """ "This looks like a" before Grizzly bear, "an" before Otter; nothing before No bear, Ants or 7."""
    plural = label.endswith("s") and not label.endswith(("ss", "us", "is"))
    negative = label.lower().startswith(("no ", "not ", "nothing", "none", "empty"))
    if plural or negative or not label[:1].isalpha():
        return start
    return f"{start} {'an' if label[0].lower() in 'aeiou' else 'a'}"


def _say_failure(name: str, failure: Failure) -> Answer:
    """The reasons of `fieldmark.images` begin with their short form: "Cut off: a JPEG photo …"."""
    title, colon, text = failure.reason.partition(": ")
    if not colon or len(title) > 40 or failure.code == "unexpected":
        title, text = ANSWER["failed_title"], failure.reason
    text = text[:1].upper() + text[1:]
    announcement = ANSWER["announce_failed"].format(name=name, title=title, text=text)
    return Answer(name, title, "failed", ANSWER["failed"], text, (), announcement)

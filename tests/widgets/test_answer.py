from __future__ import annotations

import pytest

from fieldmark.predictor import Failure, Prediction
from fieldmark_widgets.answer import Answer, say_answer, say_label, say_percent


def answer_for(
    probs: dict[str, float], verdict: str = "familiar", familiarity_p: float | None = 0.5
) -> Answer:
    label = max(probs, key=lambda each: probs[each])
    return say_answer("photo.jpg", Prediction(label, probs[label], probs, verdict, familiarity_p))  # type: ignore[arg-type]


def plain(text: str) -> str:
    return text.replace("\u202f", " ")


def test_a_familiar_answer_says_what_it_looks_like() -> None:
    answer = answer_for({"black bear": 0.02, "grizzly bear": 0.97, "sloth bear": 0.01})
    assert (answer.intro, answer.title, answer.word) == ("This looks like a", "Grizzly bear", "Familiar")
    assert answer.text == "Much like the photos this model learned from."
    assert [bar.label for bar in answer.bars] == ["Grizzly bear", "Black bear", "Sloth bear"]


def test_an_unsure_answer_names_both_and_advises_to_ask() -> None:
    answer = answer_for({"grizzly": 0.54, "black bear": 0.41, "teddy": 0.05}, "unsure")
    assert answer.title == "Grizzly or black bear?"
    assert plain(answer.text) == "Grizzly 54 %, black bear 41 %: ask somebody."


def test_a_weak_answer_without_a_rival_is_a_question() -> None:
    answer = answer_for({"otter": 0.55, **{f"kind {n}": 0.09 for n in range(5)}}, "unsure")
    assert (answer.intro, answer.title) == ("This could be an", "Otter?")
    assert plain(answer.text) == "Otter, but only 55 %: ask somebody."


def test_an_unfamiliar_photo_gets_no_this_looks_like() -> None:
    answer = answer_for({"grizzly": 0.99, "teddy": 0.01}, "unfamiliar", 0.001)
    assert (answer.intro, answer.word) == ("The closest it knows", "Unfamiliar")
    assert answer.text == "Nothing like the photos this model learned from."


def test_a_model_without_training_photos_never_claims_familiarity() -> None:
    answer = answer_for({"grizzly": 0.99, "teddy": 0.01}, "familiar", None)
    assert (answer.verdict, answer.word) == ("clear", "Clear")
    assert "familiar" not in (answer.text + answer.announcement).lower()
    assert "cannot tell when something is new to it" in answer.text


def test_a_failure_is_told_with_the_name_of_the_file() -> None:
    reason = "Not an image: expected a JPEG or PNG. Save it as a JPEG."
    answer = say_answer("notes.txt", Failure("not_an_image", reason))
    assert (answer.intro, answer.title, answer.text) == (
        "notes.txt",
        "Not an image",
        "Expected a JPEG or PNG. Save it as a JPEG.",
    )
    assert answer.bars == ()
    assert answer.announcement == "notes.txt: Not an image. Expected a JPEG or PNG. Save it as a JPEG."


def test_a_failure_of_another_form_is_told_whole() -> None:
    answer = say_answer("a.jpg", Failure("unexpected", "Something happened (12ab): go on."))
    assert answer.text == "Something happened (12ab): go on."


def test_a_screen_reader_hears_all_of_it_in_one_line() -> None:
    answer = answer_for({"grizzly": 0.97, "teddy": 0.03})
    assert plain(answer.announcement) == (
        "photo.jpg: Grizzly, 97 %. Familiar. Much like the photos this model learned from."
    )


@pytest.mark.parametrize(
    ("prob", "words"),
    [
        (0, "0 %"),
        (0.001, "<1 %"),
        (0.005, "0 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.999, ">99 %"),
        (1, "100 %"),
    ],
)
def test_a_probability_is_never_rounded_to_certainty(prob: float, words: str) -> None:
    said = say_percent(prob).replace("\u202f", "")
    assert said == words.replace(" ", "")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("no_bear", "No bear"),
        ("grizzly", "Grizzly"),
        ("American black bear", "American black bear"),
        ("7", "7"),
        ("", ""),
    ],
)
def test_a_label_is_written_as_a_person_would(label: str, said: str) -> None:
    assert say_label(label) == said


@pytest.mark.parametrize(
    ("label", "intro"),
    [
        ("no bear", "This looks like"),
        ("ants", "This looks like"),
        ("7", "This looks like"),
        ("octopus", "This looks like an"),
        ("grass", "This looks like a"),
    ],
)
def test_the_article_fits_the_label(label: str, intro: str) -> None:
    assert answer_for({label: 0.9, "other": 0.1}).intro == intro

from __future__ import annotations

from types import SimpleNamespace

from fieldmark_widgets.knowledge import describe_model


def model(n_train: int) -> SimpleNamespace:
    card = SimpleNamespace(
        title="bears", summary="Six kinds of bear.", n_train=n_train, limits=("Night cameras",)
    )
    return SimpleNamespace(card=card, vocab=("brown bear", "no_bear"), sha256="0123456789abcdef" * 4)


def test_a_card_is_told_in_words() -> None:
    known = describe_model(model(1234))
    assert (known.title, known.kinds, known.limits) == (
        "Bears",
        ("Brown bear", "No bear"),
        ("Night cameras",),
    )
    assert known.source == "Learned from 1,234 photos"
    assert known.file == "Model file 0123456789ab"


def test_a_model_without_photos_does_not_promise_to_notice_what_is_new() -> None:
    promised = [text for verdict, _, text in describe_model(model(0)).honest if verdict == "unfamiliar"]
    assert "cannot say “unfamiliar” yet" in promised[0]


def test_a_bare_function_has_no_card() -> None:
    known = describe_model(lambda _photo: {"cat": 1.0})
    assert known.title == ""
    assert len(known.honest) == 2


def test_the_example_of_doubt_is_between_kinds_of_this_model() -> None:
    verdict, _, text = describe_model(model(1234)).honest[0]
    assert verdict == "unsure"
    assert "Brown bear 54" in text
    assert "no bear 41" in text


def test_only_a_model_of_nobodys_photos_says_how_to_make_ones_own() -> None:
    assert describe_model(model(1234)).own_commands == ()
    assert any(command.startswith("fieldmark train") for command in describe_model(model(0)).own_commands)

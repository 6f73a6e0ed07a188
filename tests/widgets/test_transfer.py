from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldmark.errors import FieldmarkError
from fieldmark_widgets.transfer import MAX_NAME, MIB, Transfer, clean_name, say_size


def transfer_of(size: int, *, name: str = "a.jpg", max_size: int = 10 * MIB) -> Transfer:
    return Transfer("key", name, size, max_size=max_size)


@given(st.binary(max_size=2000), st.integers(1, 300))
def test_a_file_in_pieces_arrives_as_it_was(content: bytes, step: int) -> None:
    transfer = transfer_of(len(content))
    for offset in range(0, len(content), step):
        assert not transfer.complete
        transfer.add(offset, content[offset : offset + step])
    assert transfer.complete
    assert transfer.finish().content == content


@pytest.mark.parametrize(("offset", "chunk"), [(0, b"x" * 11), (5, b"x"), (-1, b"x"), (10, b"x")])
def test_a_piece_that_does_not_follow_or_is_too_much_is_refused(offset: int, chunk: bytes) -> None:
    with pytest.raises(FieldmarkError, match=r"a\.jpg: not sent, because a part of it went missing"):
        transfer_of(10).add(offset, chunk)


def test_a_file_over_the_limit_is_refused_before_a_byte_of_it_is_taken() -> None:
    with pytest.raises(FieldmarkError, match=r"a\.jpg: too large, 11 MiB. At most 10 MiB a photo") as caught:
        transfer_of(11 * MIB)
    assert caught.value.code == "too_large_file"


def test_a_size_below_nothing_is_refused() -> None:
    with pytest.raises(FieldmarkError, match="not understood"):
        transfer_of(-1)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("bear.jpg", "bear.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\bear.jpg", "bear.jpg"),
        ("photos/", "photos"),
        ("", "photo"),
        ("\x00\n", "photo"),
        ("gpj\u202egpj.exe", "gpjgpj.exe"),
        ("half \ud800 a sign", "half  a sign"),
        ("Бурый медведь 🐻.jpg", "Бурый медведь 🐻.jpg"),
        ("<img src=x onerror=alert(1)>.jpg", "<img src=x onerror=alert(1)>.jpg"),
    ],
)
def test_a_name_is_cleaned_for_showing(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@given(st.text(alphabet=st.characters(), max_size=1000))
def test_every_name_can_be_sent_to_a_browser(name: str) -> None:
    clean = clean_name(name)
    assert 0 < len(clean) <= MAX_NAME
    json.dumps(clean, ensure_ascii=False).encode("utf-8")


def test_a_long_name_keeps_its_ending() -> None:
    assert clean_name("x" * 500 + "-bear.jpg").endswith("-bear.jpg")


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "0 KiB"),
        (1, "1 KiB"),
        (1025, "2 KiB"),
        (MIB, "1 MiB"),
        (1_500_000, "1.4 MiB"),
        (30 * MIB, "30 MiB"),
    ],
)
def test_a_size_is_said_in_words(n: int, words: str) -> None:
    assert say_size(n) == words

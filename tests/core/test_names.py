"""Names of files and folders that every disk takes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldmark.names import MAX_NAME_BYTES, file_name, folded, is_portable, slug

FORBIDDEN = set('<>:"/\\|?*') | {chr(code) for code in range(32)}
"""What Windows takes in no name."""


def assert_every_disk_takes(name: str) -> None:
    assert name
    assert not FORBIDDEN & set(name)
    assert name[0] not in " .-~"
    assert name[-1] not in " ."
    assert len(name.encode("utf-8")) <= 255
    assert unicodedata.is_normalized("NFC", name)
    device = name.partition(".")[0].rstrip(" ").upper()
    assert device not in {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    assert not (device[:3] in {"COM", "LPT"} and device[3:] in set("0123456789¹²³"))


@given(st.text())
def test_every_text_has_a_slug_that_every_disk_takes(text: str) -> None:
    assert_every_disk_takes(slug(text))
    assert len(slug(text).encode()) <= MAX_NAME_BYTES


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1))
def test_every_file_gets_a_name_that_every_disk_takes(original: str) -> None:
    assert_every_disk_takes(file_name(original))


@given(st.text(), st.text())
def test_two_texts_have_two_slugs_also_where_letter_case_is_ignored(one: str, two: str) -> None:
    assert one == two or folded(slug(one)) != folded(slug(two))


@pytest.mark.parametrize(
    "name", ["black bear", "bär", "42", "a_b", "cat & dog (young)", "Чёрный медведь", "黑熊"]
)
def test_plain_names_are_portable(name: str) -> None:
    assert is_portable(name)
    assert file_name(f"{name}.jpg") == f"{name}.jpg"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a\\b", "a.", "a ", " a", "-rf", "~", "CON", "nul", "com1", "LPT¹", "a:b", "a*b", "x" * 81,
     "a\nb", "bär".encode().decode().replace("ä", "a\u0308"), "$HOME", "<b>", "a\0b"],
)  # fmt: skip
def test_what_some_disk_or_shell_takes_amiss_is_not_portable(name: str) -> None:
    assert not is_portable(name)
    assert_every_disk_takes(slug(name))


@pytest.mark.parametrize(
    ("original", "ending"),
    [
        ("CON.jpg", ".jpg"),
        ("aux.tar.gz", ".gz"),
        ("..jpg", ""),
        ("a?.PNG", ".PNG"),
        ("x" * 300 + ".jpeg", ".jpeg"),
    ],
)
def test_a_name_that_cannot_stay_keeps_its_ending(original: str, ending: str) -> None:
    name = file_name(original)
    assert name != original
    assert name.endswith(ending)
    assert_every_disk_takes(name)


def test_dots_inside_of_a_name_stay() -> None:
    assert file_name("2024.05.01 bear.v2.jpg") == "2024.05.01 bear.v2.jpg"


@pytest.mark.parametrize(("one", "two"), [("Bär", "bA\u0308r"), ("STRASSE", "straße"), ("\u212b", "å")])
def test_names_that_some_disk_takes_for_one_are_folded_to_one(one: str, two: str) -> None:
    assert folded(one) == folded(two)

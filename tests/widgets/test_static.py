"""The browser's side, as far as it can be judged without a browser."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

import fieldmark_widgets
from fieldmark_widgets.assets import PARTS, module, stylesheet
from fieldmark_widgets.strings import classify as strings

STATIC = Path(fieldmark_widgets.__file__).parent / "static"
SERVER = STATIC.parents[1] / "fieldmark_server"
SCRIPTS = [*STATIC.glob("*.js"), *SERVER.glob("static/*.js")]
PAGES = [*SCRIPTS, *STATIC.glob("*.css"), *SERVER.glob("templates/*")]

TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--fm-([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", stylesheet()
    )
}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_turns_text_into_html_or_code(path: Path) -> None:
    dangerous = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setTimeout\(['\"`]"
    )
    assert re.findall(dangerous, path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_names_another_server(path: Path) -> None:
    addresses = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}[^\s'\"]*", path.read_text("utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, nothing is fetched


@pytest.mark.parametrize("component", ["uploader", "classifier", "notice"])
def test_each_sentence_a_component_shows_is_there(component: str) -> None:
    said = set(re.findall(r"\bstrings\.(\w+)", module(component)))
    there = {
        **getattr(strings, component.upper(), {}),
        **(strings.CORRECTION if component == "classifier" else {}),
    }
    assert said - set(there) == set()


def test_no_sentence_is_left_over() -> None:
    used = "".join(path.read_text("utf-8") for path in [*SCRIPTS, *STATIC.parent.glob("*.py")])
    unused = [
        key
        for table in (strings.UPLOADER, strings.CLASSIFIER, strings.CORRECTION, strings.PROBLEM)
        for key in table
        if not re.search(rf"strings\.{key}\b|\"{key}\"", used)
    ]
    assert unused == []


def test_the_files_of_a_component_do_not_define_a_name_twice() -> None:
    for component in ("classifier", "notice", *PARTS):
        names = re.findall(r"^(?:async )?(?:function|const|class) (\w+)", module(component), re.M)
        assert len(names) == len(set(names))


def contrast(one: str, two: str) -> float:
    """By WCAG 2: 1 (the same) to 21 (black on white)."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT_ON_GROUND = [
    *product(("ink", "soft", "green", "amber", "red", "blue"), ("bg", "card")),
    *product(("ink", "soft"), ("sunk",)),
    *[(colour, f"{colour}-bg") for colour in ("green", "amber", "red", "blue")],
    ("on-green", "green"),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON_GROUND)
def test_text_can_be_read(text: str, ground: str, theme: int) -> None:
    assert contrast(TOKENS[text][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["card", "bg"])
def test_the_border_of_what_can_be_used_can_be_seen(ground: str, theme: int) -> None:
    assert contrast(TOKENS["strong-line"][theme], TOKENS[ground][theme]) >= 3

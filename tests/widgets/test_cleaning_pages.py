"""The browser's side of results and cleaner, as far as it can be judged without a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import fieldmark_widgets
from fieldmark_widgets.assets import module
from fieldmark_widgets.strings.cleaner import CLEANER
from fieldmark_widgets.strings.results import FIGURES, RESULTS, SINCE

FOLDER = Path(fieldmark_widgets.__file__).parent
TABLES = {"results": RESULTS, "cleaner": CLEANER, "stagedchanges": CLEANER}


@pytest.mark.parametrize("component", TABLES)
def test_each_sentence_that_is_shown_is_there(component: str) -> None:
    assert set(re.findall(r"\bstrings\.(\w+)", module(component))) <= TABLES[component].keys()


@pytest.mark.parametrize("component", TABLES)
def test_no_name_is_defined_twice(component: str) -> None:
    names = re.findall(r"^(?:async )?(?:function|const|class) (\w+)", module(component), re.M)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "table", [CLEANER, RESULTS, SINCE, FIGURES], ids=["cleaner", "results", "since", "figures"]
)
def test_no_sentence_is_left_over(table: Mapping[str, str]) -> None:
    """A key is named as a whole, or put together: `f"tag_{kind}"`."""
    files = [*FOLDER.glob("*.py"), *FOLDER.glob("static/*.js")]
    code = "".join(file.read_text("utf-8") for file in files)
    built = [
        re.sub(r"\\\{\w+(?:\\\.\w+)?\\\}", r"\\w+", re.escape(text))
        for text in re.findall(r'f"([\w{}.]*_[\w{}.]*|\{what\})"', code)
    ]
    built += [re.sub(r"\$\{\w+\}", r"\\w+", text) for text in re.findall(r"`(\w+_\$\{\w+\})`", code)]
    left = [
        key
        for key in table
        if not re.search(rf"strings\.{key}\b|[\"\[]{key}\"", code)
        and not any(re.fullmatch(pattern, key) for pattern in built)
    ]
    assert left == []

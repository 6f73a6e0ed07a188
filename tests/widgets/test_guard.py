from __future__ import annotations

import re
from pathlib import Path

import pytest

from fieldmark.errors import FieldmarkError
from fieldmark_widgets import Classifier, Notice, Uploader, build_or_explain
from fieldmark_widgets.guard import explain_error, guard


class Thing:
    problem = ""

    @guard
    def act(self, error: Exception | None) -> None:
        if error is not None:
            raise error


def test_an_error_of_ours_is_shown_as_its_sentence() -> None:
    thing = Thing()
    thing.act(FieldmarkError("The folder is empty. Choose another."))
    assert thing.problem == "The folder is empty. Choose another."


@pytest.mark.usefixtures("expects_unexpected")
def test_any_other_error_gets_a_number_that_the_log_knows(caplog: pytest.LogCaptureFixture) -> None:
    thing = Thing()
    thing.act(ZeroDivisionError("a detail"))
    assert "a detail" not in thing.problem
    (number,) = re.findall(r"\(([0-9a-f]{6})\)", thing.problem)
    assert number in caplog.text
    assert "ZeroDivisionError: a detail" in caplog.text


def test_nothing_is_shown_when_nothing_went_wrong() -> None:
    thing = Thing()
    thing.act(None)
    assert thing.problem == ""


@pytest.mark.usefixtures("expects_unexpected")
def test_every_unexpected_error_has_its_own_number() -> None:
    assert explain_error(ValueError()) != explain_error(ValueError())


def test_a_missing_model_is_explained_in_its_place(tmp_path: Path) -> None:
    notice = build_or_explain(Classifier.load, tmp_path / "none.onnx")
    assert isinstance(notice, Notice)
    assert notice.title == "There is no model here yet"
    assert "fieldmark pretrained" in notice.text
    assert "Traceback" not in notice.text


def test_a_page_is_built_when_nothing_is_in_the_way() -> None:
    assert isinstance(build_or_explain(Uploader, max_files=3), Uploader)

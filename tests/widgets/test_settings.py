from __future__ import annotations

from pathlib import Path

import pytest

from fieldmark_widgets import from_environment


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of models of a repository; the working folder is that of its notebooks."""
    folder = tmp_path / "var" / "models"
    folder.mkdir(parents=True)
    (folder / "bears.onnx").touch()
    (tmp_path / "apps").mkdir()
    monkeypatch.chdir(tmp_path / "apps")
    return folder


def test_settings_come_from_the_environment() -> None:
    settings = from_environment(
        {"FIELDMARK_MODEL": "my.onnx", "FIELDMARK_DATA": "photos", "FIELDMARK_DATASETS": "sets"}
    )
    assert (settings.model, settings.data, settings.datasets) == (
        Path("my.onnx"),
        Path("photos"),
        Path("sets"),
    )


def test_an_empty_variable_is_as_good_as_none(models: Path) -> None:
    settings = from_environment({"FIELDMARK_MODEL": "", "FIELDMARK_DATA": "", "FIELDMARK_DATASETS": ""})
    assert (settings.model, settings.data) == (models / "bears.onnx", None)


def test_the_demo_model_is_found_from_a_folder_below(models: Path) -> None:
    assert from_environment({}).model == models / "bears.onnx"


def test_the_model_that_the_studio_serves_goes_before_the_demo_model(models: Path) -> None:
    settings = from_environment({})
    assert settings.served == models / "served.onnx"
    settings.served.touch()
    assert settings.model == settings.served
    settings.served.unlink()
    assert settings.model == models / "bears.onnx"


def test_a_model_that_was_asked_for_goes_before_the_one_that_the_studio_serves(models: Path) -> None:
    (models / "served.onnx").touch()
    (models / "mine.onnx").touch()
    assert from_environment({"FIELDMARK_MODEL": str(models / "mine.onnx")}).model == models / "mine.onnx"


def test_the_datasets_lie_beside_the_models(models: Path) -> None:
    assert from_environment({}).datasets == models.parent / "datasets"


def test_settings_name_the_demo_model_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_environment({}).model == tmp_path / "var" / "models" / "bears.onnx"


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({}, None),
        ({"FIELDMARK_HOME": "home"}, Path("home", "corrections")),
        ({"FIELDMARK_HOME": "home", "FIELDMARK_CORRECTIONS": "off"}, None),
        ({"FIELDMARK_CORRECTIONS": "elsewhere"}, Path("elsewhere")),
    ],
)
def test_nothing_of_a_visitor_is_kept_unless_there_is_a_place_for_it(
    environment: dict[str, str], folder: Path | None
) -> None:
    assert from_environment(environment).corrections == folder

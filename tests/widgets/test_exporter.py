"""The exporter: a file that answers, handed out and put into the classify app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldmark.importing import import_photos
from fieldmark.predictor import Predictor
from fieldmark.project import Project
from fieldmark.sample import write_sample
from fieldmark_widgets import Exporter, Workspace
from widgets.messages import receive, sent


@pytest.fixture
def project(tmp_path: Path) -> Project:
    import_photos(write_sample(tmp_path / "sample"), tmp_path / "dataset", who="test")
    return Project.open(tmp_path / "dataset")


@pytest.fixture
def exporter(project: Project, tmp_path: Path) -> Iterator[Exporter]:
    project.fit()
    made = Exporter(project, served_path=tmp_path / "models" / "served.onnx")
    yield made
    made.close()


def save(exporter: Exporter) -> str:
    receive(exporter, {"kind": "save"})
    assert exporter.state == "busy"
    exporter.wait()
    assert (exporter.state, exporter.problem) == ("ready", "")
    return str(exporter._models[0]["file"])


def test_a_saved_model_answers_and_is_listed_with_what_it_is(exporter: Exporter) -> None:
    receive(exporter, {"kind": "title", "text": "  Ground of our yard "})
    save(exporter)
    predictor = Predictor.load(exporter.path)
    assert predictor.card.title == exporter._models[0]["title"] == "Ground of our yard"
    assert predictor.vocab == ("brick", "grass", "gravel")


def test_saved_models_are_there_again_in_a_new_kernel(exporter: Exporter, project: Project) -> None:
    name = save(exporter)
    again = Exporter(project.root, served_path=exporter.served_path)
    assert [entry["file"] for entry in again._models] == [name]
    again.close()


def test_a_download_is_the_file_byte_for_byte(exporter: Exporter) -> None:
    name = save(exporter)
    exporter.comm.sent.clear()
    receive(exporter, {"kind": "download", "file": name})
    buffers = [buffer for data, parts in exporter.comm.sent if data["method"] == "custom" for buffer in parts]
    assert b"".join(buffers) == exporter.path.read_bytes()
    assert [message["offset"] for message in sent(exporter)] == [i * 2**20 for i in range(len(buffers))]


@pytest.mark.parametrize("name", ["../../catalog.sqlite", "/etc/passwd", "", "no such.onnx", "x" * 5000])
def test_a_page_cannot_download_or_serve_anything_else(exporter: Exporter, name: str) -> None:
    for kind in ("download", "serve"):
        receive(exporter, {"kind": kind, "file": name})
        assert "is not there any more" in exporter.problem
    assert sent(exporter) == []
    assert not exporter.served_path.exists()


def test_serving_replaces_the_model_of_the_classify_app_and_can_be_taken_back(exporter: Exporter) -> None:
    exporter.served_path.parent.mkdir()
    first = save(exporter)
    receive(exporter, {"kind": "serve", "file": first})
    assert exporter.served_path.read_bytes() == exporter.path.read_bytes()
    assert exporter._served == exporter._models[0]["sha256"]
    receive(exporter, {"kind": "before"})
    assert not exporter.served_path.exists()


def test_what_changed_since_training_is_in_the_file(exporter: Exporter, project: Project) -> None:
    project.catalog.rename_label("gravel", "pebbles", who="test")
    exporter.workspace.say_changed()
    assert exporter._stale
    save(exporter)
    assert Predictor.load(exporter.path).vocab == ("brick", "grass", "pebbles")


def test_nothing_is_offered_before_a_training(project: Project, tmp_path: Path) -> None:
    exporter = Exporter(project, served_path=tmp_path / "served.onnx")
    assert (exporter.state, exporter.blockers) == ("empty", ["Nothing was trained yet. Train first."])
    exporter.close()
    nothing = Exporter(Workspace(), served_path=tmp_path / "served.onnx")
    assert nothing.blockers == ["No dataset is open. Import some photos first."]
    nothing.close()

"""The exporter: a file that answers, handed out and put into the classify app."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldmark.predictor import Predictor
from fieldmark.project import Project
from fieldmark_widgets import Exporter, Workspace
from widgets.messages import receive, sent


@pytest.fixture
def project(root: Path) -> Project:
    return Project.open(root)


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


def test_a_page_cannot_download_or_serve_anything_else(exporter: Exporter) -> None:
    for name in ("../../catalog.sqlite", "/etc/passwd", "", "no such.onnx", "x" * 5000):
        exporter.comm.sent.clear()
        for kind in ("download", "serve"):
            exporter.problem = ""
            receive(exporter, {"kind": kind, "file": name})
            assert "is not there any more" in exporter.problem, name
        assert [message["kind"] for message in sent(exporter)] == ["refused"], name
    assert not exporter.served_path.exists()


def test_the_card_is_shown_before_it_is_saved_as_it_will_be(exporter: Exporter) -> None:
    card = dict(exporter._card)
    assert not exporter._is_saved
    save(exporter)
    saved = exporter._models[0]
    assert (card["default"], card["wrong"], card["kinds"]) == (saved["title"], saved["wrong"], saved["kinds"])
    assert card["error"].startswith("error ") and "95 %" in card["error"]
    assert exporter._is_saved


def test_saving_again_is_offered_first_once_name_or_photos_are_others(
    exporter: Exporter, project: Project
) -> None:
    save(exporter)
    receive(exporter, {"kind": "title", "text": "Ground"})
    assert not exporter._is_saved
    receive(exporter, {"kind": "title", "text": ""})
    assert exporter._is_saved
    project.fit()  # the same again changes nothing
    exporter.workspace.say_changed()
    assert exporter._is_saved
    project.catalog.rename_label("gravel", "pebbles", who="test")
    exporter.workspace.say_changed()
    assert not exporter._is_saved
    assert "wrong" not in exporter._card


def test_a_stopped_save_leaves_nothing_behind_and_the_next_one_works(exporter: Exporter) -> None:
    receive(exporter, {"kind": "save"})
    receive(exporter, {"kind": "cancel"})
    exporter.wait()
    assert (exporter.state, exporter.path, exporter._models) == ("ready", None, [])
    assert "Stopped" in exporter._did
    name = save(exporter)
    assert [file.name for file in exporter.path.parent.iterdir()] == [name]


def test_saving_what_was_trained_here_trains_nothing_again(exporter: Exporter) -> None:
    save(exporter)
    assert exporter.workspace.trainings == 0


def test_serving_replaces_the_model_of_the_classify_app_and_can_be_taken_back(exporter: Exporter) -> None:
    exporter.served_path.parent.mkdir()
    first = save(exporter)
    receive(exporter, {"kind": "serve", "file": first})
    assert exporter.served_path.read_bytes() == exporter.path.read_bytes()
    assert exporter._served == exporter._models[0]["sha256"]
    receive(exporter, {"kind": "before"})
    assert not exporter.served_path.exists()


def test_going_back_gives_the_model_before_however_often_models_were_exchanged(exporter: Exporter) -> None:
    exporter.served_path.parent.mkdir()
    first = save(exporter)
    receive(exporter, {"kind": "title", "text": "Second"})
    second = save(exporter)
    for name in (first, second):
        receive(exporter, {"kind": "serve", "file": name})
    receive(exporter, {"kind": "before"})
    assert exporter._served == next(each["sha256"] for each in exporter._models if each["file"] == first)
    receive(exporter, {"kind": "before"})
    assert (exporter._served, exporter.served_path.exists()) == ("", False)


def test_a_damaged_model_is_not_served_and_the_one_in_use_stays(exporter: Exporter) -> None:
    exporter.served_path.parent.mkdir()
    first = save(exporter)
    receive(exporter, {"kind": "serve", "file": first})
    before = exporter.served_path.read_bytes()
    receive(exporter, {"kind": "title", "text": "Second"})
    second = save(exporter)
    exporter.path.write_bytes(exporter.path.read_bytes()[:-1])
    receive(exporter, {"kind": "serve", "file": second})
    assert exporter.problem != ""
    assert exporter.served_path.read_bytes() == before


def test_what_changed_since_training_is_in_the_file(exporter: Exporter, project: Project) -> None:
    project.catalog.rename_label("gravel", "pebbles", who="test")
    exporter.workspace.say_changed()
    save(exporter)
    assert Predictor.load(exporter.path).vocab == ("brick", "grass", "pebbles")
    assert exporter.workspace.trainings == 1


def test_nothing_is_offered_before_a_training(imported: Path, tmp_path: Path) -> None:
    dataset = Path(shutil.copytree(imported, tmp_path / "dataset"))
    exporter = Exporter(Project.open(dataset), served_path=tmp_path / "served.onnx")
    assert (exporter.state, exporter.blockers) == ("empty", ["Nothing was trained yet. Train first."])
    exporter.close()
    nothing = Exporter(Workspace(), served_path=tmp_path / "served.onnx")
    assert nothing.blockers == ["No dataset is open. Import some photos first."]
    nothing.close()

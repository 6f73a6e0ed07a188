"""Somebody records photos with a camera into classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.photosource import noise
from fieldmark.catalog import Catalog
from fieldmark.project import Project
from fieldmark_widgets.recorder import Recorder
from widgets.messages import receive, sent

MakeJpeg = Callable[..., bytes]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "desk")
    yield recorder
    recorder.close()
    recorder.workspace.close()


def shots(first: int, n: int) -> list[bytes]:
    """What a camera would send: no two pictures are the same."""
    return [noise(number) for number in range(first, first + n)]


def hold(recorder: Recorder, label: str, photos: list[bytes], key: str = "1") -> None:
    """As a page does while the button is held."""
    receive(recorder, {"kind": "begin", "id": key, "label": label})
    for photo in photos:
        receive(recorder, {"kind": "frame", "id": key}, photo)
    receive(recorder, {"kind": "end", "id": key})
    recorder.wait()


def test_what_is_recorded_in_one_go_is_one_group_of_its_class_and_one_act(
    recorder: Recorder, make_jpeg: MakeJpeg, tmp_path: Path
) -> None:
    hold(recorder, " mug ", shots(0, 5))
    catalog = Catalog.open(tmp_path / "desk")
    photos = catalog.photos()
    assert [photo.label for photo in photos] == ["mug"] * 5
    assert len({photo.group for photo in photos}) == 1
    assert {photo.source for photo in photos} == {"camera"}
    assert len(catalog.acts()) == 1
    assert recorder.counts == {"mug": {"n": 5, "times": 1}}
    assert recorder._result["text"] == "5 photos of mug recorded"
    assert recorder.state == "ready"
    assert {"kind": "ack", "id": "1", "n": 5} in sent(recorder)


def test_a_class_recorded_once_cannot_be_checked_and_that_is_said(
    recorder: Recorder, make_jpeg: MakeJpeg
) -> None:
    for number, label in enumerate(("mug", "cup", "mug", "cup")):
        assert ("“mug”" in recorder._advice) is (number in (1, 2))
        hold(recorder, label, shots(40 * number, 4), key=str(number))
    assert recorder._advice == ""
    project = recorder.workspace.project
    assert project is not None
    learner = Project(project.catalog).fit()
    groups = [{item.group for item in items} for items in (learner.train_items, learner.valid.items)]
    assert groups[0] and groups[1]
    assert not groups[0] & groups[1]  # photos of one recording are on one side


def test_the_last_recording_can_be_taken_out_again(recorder: Recorder, make_jpeg: MakeJpeg) -> None:
    hold(recorder, "mug", shots(0, 3))
    hold(recorder, "cup", shots(50, 2))
    receive(recorder, {"kind": "undo"})
    assert recorder.counts == {"mug": {"n": 3, "times": 1}}
    assert recorder._result["text"] == "2 photos of cup were taken out again."
    receive(recorder, {"kind": "undo"})  # and no more than that
    assert recorder.counts == {"mug": {"n": 3, "times": 1}}


def test_what_a_page_sends_is_bounded_and_checked(recorder: Recorder, make_jpeg: MakeJpeg) -> None:
    hold(recorder, "  ", shots(0, 1))
    assert "A label is empty" in recorder.problem
    hold(recorder, "mug", [b"\xff\xd8 no photo"])
    assert "cannot be read" in recorder.problem
    hold(recorder, "mug", [bytes(3 * 2**20)])
    assert "Import it instead" in recorder.problem
    receive(recorder, {"kind": "begin", "id": "x", "label": "mug"})
    receive(recorder, {"kind": "frame", "id": "x"})
    assert "no photo" in recorder.problem
    recorder.max_frames = 2
    hold(recorder, "mug", shots(0, 4))
    assert "at most 2 photos" in recorder.problem
    assert recorder.counts == {"mug": {"n": 2, "times": 1}}
    receive(recorder, {"kind": "frame", "id": "stranger"}, make_jpeg())
    recorder.wait()
    assert recorder.counts["mug"]["n"] == 2


def test_the_same_photo_comes_once(recorder: Recorder, make_jpeg: MakeJpeg) -> None:
    hold(recorder, "mug", [make_jpeg(), make_jpeg()])
    assert recorder._result["text"] == "1 photo of mug recorded"
    assert recorder._result["same"] == "1 were exactly the same and not taken."

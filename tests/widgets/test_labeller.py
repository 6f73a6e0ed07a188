"""Somebody labels photos that have no label, with what the model suggests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldmark.catalog import Catalog, decisions
from fieldmark.importing import import_photos
from fieldmark.sources.labelling import no_label
from fieldmark.sources.sample import write_sample
from fieldmark_widgets.labeller import Labeller
from fieldmark_widgets.studio import Studio
from fieldmark_widgets.workspace import Workspace
from widgets.messages import receive


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """168 patches of brick, grass and gravel that nothing labels; copy it to change it."""
    folder = tmp_path_factory.mktemp("unlabelled")
    sample = write_sample(folder / "photos", mislabelled=False)
    import_photos(sample, folder / "set", who="ann", labels=no_label, keep_unlabelled=True)
    return folder / "set"


@pytest.fixture
def root(unlabelled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(unlabelled, tmp_path / "set"))


@pytest.fixture
def labeller(root: Path) -> Iterator[Labeller]:
    labeller = open_labeller(root)
    yield labeller
    labeller.close()
    labeller.workspace.close()


def open_labeller(root: Path) -> Labeller:
    labeller = Labeller(Workspace(root, who="ann"))
    labeller.wait()
    return labeller


def truth(labeller: Labeller, photo: int) -> str:
    return Path(labeller._photos[photo].original_name).parent.name


def label_all_shown(labeller: Labeller) -> None:
    for photo in labeller.shown():
        labeller.decide(decisions.relabel(truth(labeller, photo)), [photo])
    labeller.wait()


def test_at_first_it_asks_for_twenty_that_stand_for_all(labeller: Labeller) -> None:
    assert labeller.state == "ready"
    assert labeller._headline == "168 photos wait for a label"
    assert "Begin with these 20" in labeller._summary
    assert {truth(labeller, photo) for photo in labeller.shown()} == {"brick", "grass", "gravel"}
    assert not labeller._suggests


def test_after_twenty_labels_it_suggests_and_is_nearly_always_right(labeller: Labeller) -> None:
    label_all_shown(labeller)
    assert labeller._suggests
    assert len(labeller.shown()) == 20  # the next ones
    asked = labeller.asked
    right = sum(said.label == truth(labeller, photo) for photo, said in asked.suggestions.items())
    assert right >= 0.9 * len(asked.suggestions)
    assert "learned from" in labeller._summary
    labeller.show = "sure"
    photo = labeller.gallery.focus
    assert photo in labeller.shown()
    receive(labeller, {"kind": "decide", "what": "accept"})
    assert labeller.staging is not None
    assert labeller.staging.decisions[photo].decision.to == asked.suggestions[photo].label
    assert "right for 1 of the last 1" in labeller._agreed


def test_keys_decide_about_the_photo_in_focus_and_go_on_to_the_next(labeller: Labeller) -> None:
    first, second, third = labeller.shown()[:3]
    assert labeller.gallery.focus == first
    receive(labeller, {"kind": "decide", "what": "relabel", "to": " brick "})
    assert labeller.gallery.focus == second
    assert labeller._labels == ["brick"]
    receive(labeller, {"kind": "decide", "what": "relabel", "to": "asphalt"})
    assert labeller._labels == ["brick", "asphalt"]  # the key 1 stays brick's
    receive(labeller, {"kind": "decide", "what": "keep"})  # there is nothing to keep
    receive(labeller, {"kind": "undo_decision"})
    assert labeller.gallery.focus == second
    assert labeller.staging is not None
    assert set(labeller.staging.decisions) == {first}
    receive(labeller, {"kind": "decide", "what": "accept"})  # no suggestion yet: nothing happens
    receive(labeller, {"kind": "decide", "what": "delete"})
    assert labeller.gallery.focus == third
    assert labeller._headline == "166 photos wait for a label"


def test_a_killed_kernel_loses_no_label_and_goes_on_behind_them(labeller: Labeller, root: Path) -> None:
    done = labeller.shown()[:5]
    for photo in done:
        labeller.decide(decisions.relabel(truth(labeller, photo)), [photo])
    again = open_labeller(root)  # nothing was applied, nothing was closed
    try:
        assert again._headline == "163 photos wait for a label"
        assert not set(done) & set(again.shown())
        assert again.staging is not None
        assert set(again.staging.decisions) == set(done)
        again.undo_decision()
        assert again.shown()[0] == done[-1]
    finally:
        again.close()
        again.workspace.close()


def test_applying_puts_photos_into_their_classes_and_undo_takes_them_out_again(
    labeller: Labeller, root: Path
) -> None:
    label_all_shown(labeller)
    labeller.changes.apply()
    labeller.wait()
    catalog = Catalog.open(root, write=False)
    assert sum(catalog.counts().values()) == 20
    assert catalog.n_unlabelled() == 148
    assert all(photo.path.startswith(f"images/{photo.label}/") for photo in catalog.photos())
    labeller.changes.undo()
    labeller.wait()
    assert catalog.counts() == {}
    assert catalog.n_unlabelled() == 168
    assert len(catalog.staged()) == 20


def test_what_another_page_labelled_is_not_asked_for_again(labeller: Labeller, root: Path) -> None:
    first = labeller.shown()[0]
    Catalog.open(root).relabel([first], "brick", who="bob")
    receive(labeller, {"kind": "look"})
    assert first not in labeller.shown()
    assert "brick" in labeller._labels


def test_a_page_cannot_set_what_is_the_kernels(labeller: Labeller) -> None:
    labeller.set_state({"show": "all", "_headline": "mine", "state": "empty"})
    assert labeller.show == "all"
    assert len(labeller.shown()) == 168
    assert labeller._headline == "168 photos wait for a label"
    receive(labeller, {"kind": "decide", "what": "relabel", "to": "  "})
    assert "A label is empty" in labeller.problem


def test_the_studio_has_the_step_only_while_photos_wait_for_a_label(tmp_path: Path, unlabelled: Path) -> None:
    shutil.copytree(unlabelled, tmp_path / "sets" / "set")
    studio = Studio(tmp_path / "sets")
    try:
        names = [step["name"] for step in studio._steps]
        assert names[:3] == ["photos", "label", "check"]
        assert studio._counts == "168 without a label"
        blocked = {step["name"]: step for step in studio._steps}
        assert blocked["train"]["blocker"].startswith("No photo has a label yet")
        assert blocked["train"]["needs"] == "label"
        receive(studio.panel, {"kind": "label_them"})
        assert studio.step == "label"
        project = studio.workspace.project
        assert project is not None
        ids = [photo.id for photo in project.catalog.photos(status="unlabelled")]
        project.catalog.relabel(ids, "brick", who="ann")
        studio.workspace.say_changed()
        studio.panel.wait()
        assert studio.panel._is_done
        studio.go("photos")
        assert "label" not in [step["name"] for step in studio._steps]
    finally:
        studio.close()


def test_an_empty_workspace_says_what_to_do_first() -> None:
    labeller = Labeller()
    assert labeller.state == "empty"
    assert not labeller._is_done
    labeller.close()
    labeller.workspace.close()

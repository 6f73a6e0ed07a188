"""The cleaner: what is decided is in the catalog at once, and nothing loses it."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from fieldmark.catalog.decisions import delete, keep, relabel, unsure
from fieldmark.importing import import_photos
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark.sources.sample import MISLABELLED
from fieldmark_widgets.cleaner import Cleaner
from fieldmark_widgets.deciding import MANY
from fieldmark_widgets.workspace import Workspace
from widgets.cleaners import focus, ids, open_cleaner, waiting
from widgets.messages import receive, set_trait

# --- What is shown --------------------------------------------------------------------------------------------


def test_the_planted_wrong_labels_come_first_with_the_right_suggestion(cleaner: Cleaner) -> None:
    first = cleaner.shown[: len(MISLABELLED)]
    wrong = [
        row for row in first if not row.photo.original_name.rpartition("/")[2].startswith(row.photo.label)
    ]
    assert len(wrong) >= len(MISLABELLED) - 1
    assert all(row.photo.original_name.rpartition("/")[2].startswith(row.said or "-") for row in wrong)
    assert cleaner.state == "ready"


def test_a_project_without_training_is_a_browser_by_class(trained: Path, tmp_path: Path) -> None:
    import_photos(trained / "images", tmp_path / "new", who="anna")
    cleaner = open_cleaner(tmp_path / "new")
    labels = [row.photo.label for row in cleaner.shown]
    assert labels == sorted(labels) and len(labels) == 168
    assert "Nothing was trained yet" in cleaner._summary
    cleaner.decide(delete, ids(cleaner)[:1])
    assert len(waiting(tmp_path / "new")) == 1


def test_without_a_dataset_or_photos_it_says_what_to_do() -> None:
    assert Cleaner(Workspace()).state == "empty"


def test_filters_combine_and_lose_no_decision(cleaner: Cleaner, root: Path) -> None:
    photo = cleaner.shown[0].photo
    cleaner.decide(unsure, [photo.id])
    for name, value in (
        ("label", photo.label),
        ("side", "train"),
        ("disagrees", True),
        ("text", photo.path[-9:]),
    ):
        set_trait(cleaner, **{name: value})
    assert {row.photo.label for row in cleaner.shown} <= {photo.label}
    assert all(row.disagrees for row in cleaner.shown)
    set_trait(cleaner, label="", side="all", disagrees=False, text="", decision="staged")
    assert ids(cleaner) == [photo.id]
    set_trait(cleaner, decision="open")
    assert photo.id not in ids(cleaner) and len(ids(cleaner)) == 167
    assert waiting(root) == {photo.id: "unsure"}


def test_photos_chosen_elsewhere_are_shown_alone(cleaner: Cleaner) -> None:
    chosen = tuple(row.photo for row in cleaner.shown[3:6])
    cleaner.only = chosen
    assert ids(cleaner) == [photo.id for photo in chosen]
    receive(cleaner, {"kind": "show_all"})
    assert len(cleaner.shown) == 168


# --- Deciding -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "decision"),
    [
        ({"what": "keep"}, keep),
        ({"what": "delete"}, delete),
        ({"what": "unsure"}, unsure),
        ({"what": "relabel", "to": "moss"}, relabel("moss")),
    ],
)
def test_a_key_decides_about_the_photo_with_the_focus(
    cleaner: Cleaner, message: dict[str, str], decision: object
) -> None:
    first, second = ids(cleaner)[:2]
    focus(cleaner, first)
    receive(cleaner, {"kind": "decide", **message})
    assert cleaner.workspace.project.catalog.staged()[0].decision == decision
    assert cleaner.chosen() == [second]  # on to the next one


def test_accepting_relabels_where_the_model_disagrees_and_keeps_where_it_agrees(cleaner: Cleaner) -> None:
    doubtful, clear = cleaner.shown[0], cleaner.shown[-1]
    cleaner.accept([doubtful.photo.id, clear.photo.id])
    decisions = cleaner.staging.decisions
    assert decisions[doubtful.photo.id].decision == relabel(doubtful.said)
    assert decisions[clear.photo.id].decision == keep


def test_backspace_takes_back_and_z_undoes(cleaner: Cleaner, root: Path) -> None:
    first = ids(cleaner)[0]
    focus(cleaner, first)
    receive(cleaner, {"kind": "decide", "what": "delete"})
    receive(cleaner, {"kind": "undo_decision"})
    assert waiting(root) == {}
    assert cleaner.chosen() == [first]  # back where it was decided
    receive(cleaner, {"kind": "decide", "what": "delete"})
    focus(cleaner, first)
    receive(cleaner, {"kind": "take_back"})
    assert waiting(root) == {}


def test_an_empty_label_is_refused_with_a_sentence(cleaner: Cleaner, root: Path) -> None:
    focus(cleaner, ids(cleaner)[0])
    receive(cleaner, {"kind": "decide", "what": "relabel", "to": "   "})
    assert "label is empty" in cleaner.problem
    assert waiting(root) == {}


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "decide"},
        {"kind": "decide", "what": "relabel", "to": 3},
        {"kind": "decide", "what": "Decision"},
    ],
)
def test_what_no_page_of_ours_sends_changes_nothing(
    cleaner: Cleaner, root: Path, message: dict[str, object]
) -> None:
    focus(cleaner, ids(cleaner)[0])
    receive(cleaner, message)
    assert waiting(root) == {}


def test_many_photos_are_decided_about_beside_the_kernel(cleaner: Cleaner, root: Path) -> None:
    many, gate = ids(cleaner)[: MANY + 5], threading.Event()
    cleaner.workspace.worker.submit(gate.wait, lambda done: done.result())
    cleaner.decide(keep, many)
    assert waiting(root) == {}  # the kernel is free already, and the worker has not begun
    gate.set()
    cleaner.wait()
    assert sorted(waiting(root)) == sorted(many)


def test_a_decision_is_on_the_disk_when_the_key_is_up(cleaner: Cleaner, root: Path) -> None:
    for n, photo_id in enumerate(ids(cleaner)[:30], start=1):
        cleaner.staging.decide({photo_id: keep})
        assert len(waiting(root)) == n


def test_a_new_label_gets_a_key_while_it_waits(cleaner: Cleaner) -> None:
    assert cleaner._labels == ["brick", "grass", "gravel"]
    cleaner.decide(relabel("moss"), ids(cleaner)[:1])
    assert cleaner._labels == ["brick", "grass", "gravel", "moss"]


# --- Two pages, and killed kernels ----------------------------------------------------------------------------


def test_decisions_survive_a_killed_kernel(cleaner: Cleaner, root: Path) -> None:
    first, second, third = ids(cleaner)[:3]
    cleaner.decide(delete, [first])
    cleaner.decide(relabel("moss"), [second, third])
    after = open_cleaner(root)
    assert {i: s.decision for i, s in after.staging.decisions.items()} == {
        first: delete,
        second: relabel("moss"),
        third: relabel("moss"),
    }
    assert after.changes._waiting == "2 relabel, 1 delete"
    assert ids(after)[:3] == [first, second, third]
    after.undo_decision()
    assert len(waiting(root)) == 2


def test_another_page_sees_a_decision_at_its_next_look(
    cleaner: Cleaner, root: Path, learner: Learner
) -> None:
    other = open_cleaner(root, who="ben", learner=learner)
    photo_id = ids(cleaner)[0]
    cleaner.decide(delete, [photo_id])
    receive(other, {"kind": "look"})
    focus(other, photo_id)
    assert other.staging.decisions[photo_id].who == "anna"
    assert "decided by anna at" in other._target["staged"]


def test_the_second_page_is_told_when_it_decides_otherwise(
    cleaner: Cleaner, root: Path, learner: Learner
) -> None:
    other = open_cleaner(root, who="ben", learner=learner)
    photo_id = ids(cleaner)[0]
    cleaner.decide(delete, [photo_id])
    other.decide(keep, [photo_id])
    assert "anna had decided delete" in other._notice
    other.undo_decision()
    assert waiting(root) == {photo_id: "delete"}


def test_components_of_one_page_are_told(cleaner: Cleaner) -> None:
    workspace = cleaner.workspace
    before = workspace.changes, workspace.decisions
    cleaner.decide(delete, ids(cleaner)[:1])
    assert (workspace.changes, workspace.decisions) == (before[0], before[1] + 1)  # photos are as they were
    assert cleaner.changes._waiting == "1 delete"


# --- Applying -------------------------------------------------------------------------------------------------


def test_applying_moves_files_and_undo_brings_them_back(cleaner: Cleaner, root: Path) -> None:
    before = {path: path.read_bytes() for path in (root / "images").rglob("*.png")}
    first, second = (row.photo for row in cleaner.shown[:2])
    cleaner.decide(relabel("moss"), [first.id])
    cleaner.decide(delete, [second.id])
    receive(cleaner.changes, {"kind": "apply"})
    cleaner.wait()
    assert cleaner.changes._done["text"] == "Done: 1 relabelled, 1 to the trash."
    assert "Too few: moss (1)" in cleaner.changes._blocker  # so there is nothing to train yet
    assert not (root / second.path).exists()
    assert [path.parent.name for path in root.rglob(Path(first.path).name)] == ["moss"]
    assert second.id not in ids(cleaner) and waiting(root) == {}
    assert cleaner.changes._undo["title"] == "Undo the cleaning of 2 photos"
    receive(cleaner.changes, {"kind": "undo"})
    cleaner.wait()
    assert {path: path.read_bytes() for path in (root / "images").rglob("*.png")} == before
    assert waiting(root) == {first.id: "relabel", second.id: "delete"}  # staged again
    assert cleaner.changes._redo["title"] == "Redo the cleaning of 2 photos"
    receive(cleaner.changes, {"kind": "redo"})
    cleaner.wait()
    assert second.id not in ids(cleaner)


def test_classes_that_were_deleted_wholly_come_back_even_where_the_folder_was_moved(
    cleaner: Cleaner, root: Path, tmp_path: Path
) -> None:
    photos = {path.name: path.read_bytes() for path in (root / "images").rglob("*.png")}
    cleaner.decide(delete, [row.photo.id for row in cleaner.shown if row.photo.label != "brick"])
    cleaner.changes.apply()
    cleaner.wait()
    assert cleaner.changes._blocker  # of one class nothing can be learned
    cleaner.close()
    moved = open_cleaner(Path(shutil.move(root, tmp_path / "elsewhere")))
    assert (moved.state, {row.photo.label for row in moved.shown}) == ("ready", {"brick"})
    moved.changes.undo()
    moved.wait()
    moved.close()
    moved.workspace.close()
    assert not moved.changes.act.failed
    assert {path.name: path.read_bytes() for path in (tmp_path / "elsewhere/images").rglob("*.png")} == photos


def test_a_photo_that_cannot_be_moved_is_named_and_the_rest_goes_on(cleaner: Cleaner, root: Path) -> None:
    gone, other = (row.photo for row in cleaner.shown[:2])
    (root / gone.path).unlink()
    cleaner.decide(delete, [gone.id, other.id])
    cleaner.changes.apply()
    cleaner.wait()
    done = cleaner.changes._done
    assert done["text"] == "Done: 1 to the trash."
    assert done["failed_title"] == "1 photo was left as it was:"
    assert "has vanished" in done["failed"][0]


def test_unsure_stays_staged_and_is_not_to_be_applied(cleaner: Cleaner, root: Path) -> None:
    cleaner.decide(unsure, ids(cleaner)[:1])
    assert (cleaner.changes._waiting, cleaner.changes._n_to_apply) == ("1 unsure", 0)
    cleaner.changes.apply()
    cleaner.wait()
    assert len(waiting(root)) == 1
    assert cleaner.changes._done["text"] == "Nothing was changed."


def test_a_decision_that_somebody_overtook_is_said_and_left(cleaner: Cleaner, root: Path) -> None:
    photo_id = ids(cleaner)[0]
    cleaner.decide(delete, [photo_id])
    Project.open(root).catalog.relabel([photo_id], "moss", who="ben")
    receive(cleaner, {"kind": "look"})
    assert cleaner.changes._overtaken.startswith("1 photo was changed by somebody else")
    assert cleaner.changes._n_to_apply == 0


def test_undoing_an_import_asks_first(cleaner: Cleaner) -> None:
    assert cleaner.changes._undo["title"] == "Undo the import of 168 photos"
    assert "into the trash" in cleaner.changes._undo["confirm"]


def test_a_label_that_was_applied_ranks_by_what_the_model_said_all_along(cleaner: Cleaner) -> None:
    row = cleaner.shown[0]
    cleaner.accept([row.photo.id])
    cleaner.changes.apply()
    cleaner.wait()
    (now,) = (other for other in cleaner.shown if other.photo.id == row.photo.id)
    assert now.photo.label == row.said and not now.disagrees
    assert now.loss < 0.5 < row.loss


def test_training_again_compares_on_the_same_photos(cleaner: Cleaner) -> None:
    cleaner.accept([row.photo.id for row in cleaner.shown if row.disagrees])
    cleaner.changes.apply()
    cleaner.wait()
    assert cleaner.changes._can_train
    receive(cleaner.changes, {"kind": "train"})
    assert cleaner.changes.state == "busy"
    cleaner.wait()
    said = cleaner.changes._compared
    assert "wrong, now" in said and "on the same photos" in said
    assert not cleaner.changes._can_train


def test_the_diff_takes_single_decisions_back(cleaner: Cleaner, root: Path) -> None:
    first, second = ids(cleaner)[:2]
    cleaner.decide(delete, [first, second])
    cleaner.changes.take_back([first])
    assert waiting(root) == {second: "delete"}
    assert list(cleaner.staging.decisions) == [second]


def test_the_most_surprising_photo_has_the_focus_first(cleaner: Cleaner) -> None:
    assert cleaner.chosen() == ids(cleaner)[:1]


def test_a_decision_about_several_chosen_photos_goes_on_behind_them(cleaner: Cleaner, root: Path) -> None:
    shown = ids(cleaner)
    cleaner.gallery.selected = tuple(shown[2:5])
    receive(cleaner, {"kind": "decide", "what": "delete"})
    assert sorted(waiting(root)) == sorted(shown[2:5])
    assert cleaner.chosen() == [shown[5]]


def test_with_only_open_photos_shown_the_next_one_takes_the_place(cleaner: Cleaner) -> None:
    set_trait(cleaner, decision="open")
    first, second = ids(cleaner)[:2]
    receive(cleaner, {"kind": "decide", "what": "keep"})
    assert ids(cleaner)[0] == second == cleaner.chosen()[0] != first


def test_a_caption_says_label_suggestion_probability_loss_and_name(cleaner: Cleaner) -> None:
    row, shown = cleaner.shown[0], cleaner.gallery.rows[0]
    assert shown.title == f"{row.photo.label} → {row.said}"
    name = row.photo.original_name.rpartition("/")[2]
    assert shown.text == f"{100 * row.prob_said:.0f}\u202f% · loss {row.loss:.2f} · {name}"
    assert cleaner.gallery.rows[-1].title == cleaner.shown[-1].photo.label  # the model agrees


def test_another_dataset_opened_while_the_model_is_asked_shows_nothing_of_the_one_before(
    trained: Path, learner: Learner
) -> None:
    cleaner = Cleaner(trained)
    assert cleaner.state == "busy"
    cleaner.workspace.project = None
    cleaner.wait()
    assert (cleaner.state, cleaner.shown, len(cleaner.gallery.rows)) == ("empty", (), 0)

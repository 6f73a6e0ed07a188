"""The cleaner: kinds of issues, ranking again what is left, and looking at one photo closely."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldmark.catalog.decisions import keep, relabel
from fieldmark.curation.sealed import seal
from fieldmark.importing import import_photos
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark.sources.sample import MISLABELLED
from fieldmark_widgets.cleaner import RANK_AGAIN, Cleaner
from widgets.cleaners import ids, open_cleaner
from widgets.messages import receive, sent, set_trait


def test_issues_are_counted_and_filtered_by_kind(cleaner: Cleaner) -> None:
    n_label = next(line["n"] for line in cleaner._kinds if line["kind"] == "label")
    set_trait(cleaner, issue="label")
    assert len(cleaner.shown) == n_label >= len(MISLABELLED)
    assert all(any(issue.kind == "label" for issue in row.issues) for row in cleaner.shown)
    cleaner.decide(keep, ids(cleaner)[:2])
    assert next(line["n"] for line in cleaner._kinds if line["kind"] == "label") == n_label - 2
    assert len(cleaner.shown) == n_label  # decided ones stay in sight, with their tag
    set_trait(cleaner, issue="any", decision="open")
    assert cleaner._headline == f"{len(cleaner.shown)} photos to look at"


@pytest.mark.parametrize(("name", "low", "high"), [("high", 0.9, 1.1), ("middle", 0.7, 0.9), ("low", 0, 0.7)])
def test_photos_are_filtered_by_how_sure_the_model_is(
    cleaner: Cleaner, name: str, low: float, high: float
) -> None:
    expected = {row.photo.id for row in cleaner.shown if low <= row.prob_said < high}
    set_trait(cleaner, confidence=name)
    assert set(ids(cleaner)) == expected


# --- Ranking again --------------------------------------------------------------------------------------------


def test_after_some_decisions_what_is_left_is_ranked_again_and_nothing_above_moves(cleaner: Cleaner) -> None:
    before = ids(cleaner)
    for _ in range(RANK_AGAIN):
        receive(cleaner, {"kind": "decide", "what": "accept"})
    current = cleaner.gallery.focus
    at = ids(cleaner).index(current)
    cleaner.wait()
    after = ids(cleaner)
    assert after[: at + 1] == before[: at + 1]
    assert sorted(after) == sorted(before) and after != before
    assert cleaner.gallery.focus == current and cleaner.gallery._at == at
    scores = [row.score for row in cleaner.shown[at + 1 :]]
    assert scores == sorted(scores, reverse=True)


def test_ranking_again_waits_while_several_photos_are_chosen(cleaner: Cleaner) -> None:
    for _ in range(RANK_AGAIN):
        receive(cleaner, {"kind": "decide", "what": "keep"})
    shown = ids(cleaner)
    cleaner.gallery.selected = tuple(shown[20:24])
    cleaner.wait()
    assert ids(cleaner) == shown


def test_what_another_page_decides_moves_nothing(cleaner: Cleaner, root: Path, learner: Learner) -> None:
    for _ in range(RANK_AGAIN):
        receive(cleaner, {"kind": "decide", "what": "accept"})
    cleaner.wait()
    shown, other = ids(cleaner), open_cleaner(root, who="ben", learner=learner)
    other.decide(keep, shown[-2:])
    receive(cleaner, {"kind": "look"})
    assert ids(cleaner) == shown
    assert set(shown[-2:]) <= cleaner.staging.decisions.keys()


# --- One photo, closely ---------------------------------------------------------------------------------------


def test_beside_a_whole_photo_stands_what_is_known_of_it(cleaner: Cleaner) -> None:
    row = cleaner.shown[0]
    receive(cleaner.gallery, {"kind": "closeup", "id": row.photo.id})
    cleaner.gallery.wait()
    (said,) = (message for message in sent(cleaner.gallery) if message["kind"] == "closeup")
    assert said["title"] == f"Called {row.photo.label}. The model says {row.said}."
    assert said["why"] == [issue.sentence for issue in row.issues]
    assert said["bars"][0][0] == row.said
    assert [bar[0] for bar in said["bars"] if bar[2]] == [row.photo.label]
    assert said["has_map"] and said["map_label"] == row.said
    assert len(said["neighbours"]) == 6
    facts = dict(said["facts"])
    assert facts["Loss"] == f"{row.loss:.2f}" and facts["Source"] == row.photo.source


def test_without_a_training_a_whole_photo_still_says_its_name(trained: Path, tmp_path: Path) -> None:
    import_photos(trained / "images", tmp_path / "new", who="anna")
    cleaner = open_cleaner(tmp_path / "new")
    receive(cleaner.gallery, {"kind": "closeup", "id": cleaner.shown[0].photo.id})
    cleaner.gallery.wait()
    (said,) = (message for message in sent(cleaner.gallery) if message["kind"] == "closeup")
    assert (said["has_map"], said["bars"], said["neighbours"]) == (False, [], [])
    assert "File" in dict(said["facts"])


# --- When to stop ---------------------------------------------------------------------------------------------


def test_a_random_check_says_how_many_wrong_labels_are_left(cleaner: Cleaner, root: Path) -> None:
    receive(cleaner, {"kind": "check"})
    assert len(cleaner.shown) == 50 and "0 of 50 looked at" in cleaner._check
    wrong = 0
    for row in list(cleaner.shown):
        name = row.photo.original_name.rpartition("/")[2]
        is_right = name.startswith(f"{row.photo.label}-")
        wrong += not is_right
        cleaner.decide(keep if is_right else relabel(name.split("-")[0]), [row.photo.id])
    assert f"{wrong} of 50 photos drawn by chance have a wrong label" in cleaner._check
    assert "Of the other 118" in cleaner._check
    assert open_cleaner(root)._check == cleaner._check  # a killed kernel loses none of it


def test_an_answer_of_the_check_that_is_undone_is_taken_back(cleaner: Cleaner) -> None:
    receive(cleaner, {"kind": "check"})
    receive(cleaner, {"kind": "decide", "what": "delete"})
    receive(cleaner, {"kind": "decide", "what": "keep"})
    assert "2 of 50 looked at" in cleaner._check
    receive(cleaner, {"kind": "undo_decision"})
    assert "1 of 50 looked at" in cleaner._check
    receive(cleaner, {"kind": "decide", "what": "unsure"})
    assert "1 of 50 looked at" in cleaner._check
    receive(cleaner, {"kind": "undo_decision"})
    receive(cleaner, {"kind": "undo_decision"})
    assert "0 of 50 looked at" in cleaner._check


def test_a_check_that_was_begun_goes_on(cleaner: Cleaner, root: Path, learner: Learner) -> None:
    receive(cleaner, {"kind": "check"})
    cleaner.decide(keep, ids(cleaner)[:3])
    other = open_cleaner(root, learner=learner)
    assert "3 of 50 looked at" in other._check
    receive(other, {"kind": "check"})
    assert set(ids(other)) == set(ids(cleaner))


def test_photos_of_a_sealed_test_are_not_shown(root: Path, learner: Learner) -> None:
    sealed = seal(Project.open(root).catalog, 0.1, who="teacher").photos
    cleaner = open_cleaner(root)
    assert len(cleaner.shown) == 168 - len(sealed)
    assert not sealed & {row.photo.hash for row in cleaner.shown}

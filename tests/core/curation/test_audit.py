"""Audit: how many wrong labels are left, from photos drawn by chance."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from core.catalogs import pets
from fieldmark.catalog import Catalog
from fieldmark.curation.audit import answer_audit, audit_of, read_audit, start_audit, withdraw_answer
from fieldmark.errors import DatasetError


def test_an_audit_is_kept_and_gone_on_with_in_another_process(tmp_path: Path) -> None:
    catalog = pets(tmp_path, 40)
    audit = start_audit(catalog, n=10)
    assert len(set(audit.drawn)) == 10
    answer_audit(catalog, audit.drawn[0], right=False)
    answer_audit(Catalog.open(tmp_path), audit.drawn[1], right=True)
    again = read_audit(catalog)
    assert again is not None
    assert (again.n_checked, again.n_wrong, len(again.open)) == (2, 1, 8)
    assert again.expected_left == 19


def test_an_answer_can_be_corrected(tmp_path: Path) -> None:
    catalog = pets(tmp_path, 10)
    photo = start_audit(catalog, n=4).drawn[0]
    answer_audit(catalog, photo, right=False)
    assert answer_audit(catalog, photo, right=True).n_wrong == 0


def test_an_answer_can_be_withdrawn_and_is_asked_for_again(tmp_path: Path) -> None:
    catalog = pets(tmp_path, 10)
    photo, other = start_audit(catalog, n=4).drawn[:2]
    answer_audit(catalog, photo, right=False)
    withdraw_answer(catalog, other)
    withdraw_answer(catalog, photo)
    again = read_audit(catalog)
    assert again is not None
    assert (again.n_checked, len(again.open)) == (0, 4)


def test_a_photo_that_was_not_drawn_cannot_be_answered_for(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    with pytest.raises(DatasetError, match="not part of an audit"):
        answer_audit(catalog, "0" * 64, right=True)


def test_before_the_first_answer_nothing_is_said() -> None:
    audit = audit_of([], 100)
    assert audit.expected_left is None
    assert audit.left_ci == (0, 100)


def test_no_wrong_label_among_fifty_does_not_say_that_there_is_none() -> None:
    audit = audit_of([True] * 50, 1000)
    assert audit.expected_left == 0
    assert audit.left_ci == (0, 68)
    assert "Of the other 950, about 0 have one (95 %: 0 to 68)." in audit.sentence


def test_an_audit_says_how_many_of_the_others_changed_since(tmp_path: Path) -> None:
    catalog = pets(tmp_path, 10)
    audit = start_audit(catalog, n=4)
    answer_audit(catalog, audit.drawn[0], right=True)
    drawn = catalog.with_hash(audit.drawn)
    others = [photo for photo in catalog.photos() if photo.hash not in audit.drawn]
    catalog.relabel([drawn[0].id, *(photo.id for photo in others[:3])], "else", who="test")
    later = read_audit(catalog)
    assert later is not None and later.sentence.endswith("3 of them changed since: look again.")
    catalog.undo(who="test")
    undone = read_audit(catalog)
    assert undone is not None and "changed" not in undone.sentence


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    dice, hits = Random(0), 0
    for _ in range(400):
        labels = [dice.random() > 0.1 for _ in range(500)]
        dice.shuffle(labels)
        audit = audit_of(labels[:60], 500)
        low, high = audit.left_ci
        hits += low <= labels[60:].count(False) <= high
    assert hits / 400 >= 0.9

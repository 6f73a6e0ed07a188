"""The random check of the cleaner: which photos it is about, and what it comes to, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fieldmark.catalog import Catalog, CatalogPhoto
from fieldmark.catalog.decisions import StagedDecision
from fieldmark.curation.audit import Audit, answer_audit, read_audit, start_audit, withdraw_answer
from fieldmark_widgets.strings.cleaner import CLEANER

ENOUGH = 30
"""Answers from which on the check says what it comes to: of some photos nobody can tell, and it would never end."""


def begin_check(catalog: Catalog) -> tuple[CatalogPhoto, ...]:
    """Draw photos by chance, and give them; a check that somebody has not finished goes on.

    Raises:
        DatasetError: there are no photos.
    """
    audit = read_audit(catalog)
    if audit is None or not audit.open:
        audit = start_audit(catalog, seed=len(catalog.acts()))
    by_hash = {photo.hash: photo for photo in catalog.with_hash(audit.drawn)}
    return tuple(by_hash[photo] for photo in audit.drawn if photo in by_hash)


def answer_check(
    catalog: Catalog, decided: Iterable[CatalogPhoto], waiting: Mapping[int, StagedDecision]
) -> None:
    """Take decisions as answers: to keep a label says that it is right; to relabel or delete, that it is not.

    A decision that was taken back takes its answer with it.
    """
    audit = read_audit(catalog)
    if audit is None:
        return
    for photo in decided:
        if photo.hash not in audit.drawn:
            continue
        staged = waiting.get(photo.id)
        if staged is None or staged.decision.kind == "unsure":
            withdraw_answer(catalog, photo.hash)
        else:
            answer_audit(catalog, photo.hash, right=staged.decision.kind == "keep")


def say_check(audit: Audit | None) -> str:
    """How far the check is, and what it says; empty where none was begun."""
    if audit is None:
        return ""
    if not audit.open:
        return audit.sentence
    open_ = CLEANER["check_open"].format(done=audit.n_checked, n=len(audit.drawn))
    return f"{open_} {audit.sentence}" if audit.n_checked >= ENOUGH else open_

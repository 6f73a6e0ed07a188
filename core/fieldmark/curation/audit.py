"""When to stop cleaning: how many wrong labels are probably left, by a random audit.

A ranked list never says when it is enough: the next page always has something. So some photos are drawn by
chance, somebody says of each whether its label is right, and that share holds for all that nobody looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from random import Random
from typing import Any

from fieldmark.catalog import Catalog
from fieldmark.dataset import read_dataset
from fieldmark.errors import DatasetError
from fieldmark.stats import Interval, wilson

AUDIT = "audit"
"""Key of what is kept in the catalog."""
SAMPLE = 50
"""Photos of an audit: 0 wrong of 50 says that at most 7 % are, 95 %."""


@dataclass(frozen=True)
class Audit:
    """Photos drawn by chance, and what somebody said of them."""

    n_photos: int
    """Photos in the dataset when they were drawn."""
    drawn: tuple[str, ...]
    """SHA-256 of each, in the order of asking."""
    answers: dict[str, bool]
    """By SHA-256: whether the label is right."""
    after: int = 0
    """The last act before they were drawn."""
    changed: int = 0
    """Other photos that came, went or were relabelled since."""

    @property
    def open(self) -> tuple[str, ...]:
        """The photos that nobody answered for yet."""
        return tuple(photo for photo in self.drawn if photo not in self.answers)

    @property
    def n_checked(self) -> int:
        """Photos somebody answered for."""
        return len(self.answers)

    @property
    def n_wrong(self) -> int:
        """Photos whose label is wrong."""
        return sum(not right for right in self.answers.values())

    @property
    def share_ci(self) -> Interval:
        """95 % interval of the share of wrong labels (Wilson)."""
        return wilson(self.n_wrong, self.n_checked)

    @property
    def expected_left(self) -> float | None:
        """Wrong labels among the photos that were not checked; None before the first answer."""
        if not self.n_checked:
            return None
        return self.n_wrong / self.n_checked * (self.n_photos - self.n_checked)

    @property
    def left_ci(self) -> tuple[int, int]:
        """95 % interval of `expected_left`, in whole photos."""
        rest = self.n_photos - self.n_checked
        return floor(self.share_ci.low * rest), ceil(self.share_ci.high * rest)

    @property
    def sentence(self) -> str:
        """What it comes to, for people."""
        if self.expected_left is None:
            return f"{len(self.drawn)} photos are drawn; none is answered yet."
        low, high = self.left_ci
        said = (
            f"{self.n_wrong} of {self.n_checked} photos drawn by chance have a wrong label. Of the other "
            f"{self.n_photos - self.n_checked:,}, about {self.expected_left:.0f} have one (95 %: {low:,} to {high:,})."
        )
        return f"{said} {self.changed:,} of them changed since: look again." if self.changed else said


def start_audit(catalog: Catalog, *, n: int = SAMPLE, seed: int = 42) -> Audit:
    """Draw photos by chance for somebody to look at; an audit from before is replaced.

    Sealed photos are not drawn.

    Raises:
        DatasetError: there are no photos.
    """
    hashes = sorted({item.hash for item in read_dataset(catalog.root, min_classes=1).items})
    drawn = Random(seed).sample(hashes, min(n, len(hashes)))
    after = max((act.id for act in catalog.acts()), default=0)
    return _keep(catalog, Audit(len(hashes), tuple(drawn), {}, after))


def answer_audit(catalog: Catalog, photo_hash: str, *, right: bool) -> Audit:
    """Say whether the label of a drawn photo is right; saying it again replaces it.

    Raises:
        DatasetError: `no_audit`: none was started, or the photo is not in it.
    """
    audit = read_audit(catalog)
    if audit is None or photo_hash not in audit.drawn:
        raise DatasetError("This photo is not part of an audit. Start one first.", code="no_audit")
    return _keep(catalog, replace(audit, answers={**audit.answers, photo_hash: right}))


def withdraw_answer(catalog: Catalog, photo_hash: str) -> None:
    """Take back what was said of a drawn photo, where something was: it is asked about again."""
    audit = read_audit(catalog)
    if audit is not None and photo_hash in audit.answers:
        answers = {photo: right for photo, right in audit.answers.items() if photo != photo_hash}
        _keep(catalog, replace(audit, answers=answers))


def read_audit(catalog: Catalog) -> Audit | None:
    """Give the audit that goes on or was finished last; None where there was none."""
    kept: Any = catalog.setting(AUDIT)
    if not kept:
        return None
    after = kept.get("after")  # None: kept by a version that did not note it
    changed = catalog.changed_after(after) - set(kept["drawn"]) if after is not None else ()
    return Audit(kept["n_photos"], tuple(kept["drawn"]), kept["answers"], after or 0, len(changed))


def audit_of(answers: Sequence[bool], n_photos: int) -> Audit:
    """An audit that was done elsewhere, of numbered photos."""
    names = tuple(str(number) for number in range(len(answers)))
    return Audit(n_photos, names, dict(zip(names, answers, strict=True)))


def _keep(catalog: Catalog, audit: Audit) -> Audit:
    answers: Any = audit.answers
    kept = {"n_photos": audit.n_photos, "drawn": list(audit.drawn), "answers": answers, "after": audit.after}
    catalog.set_setting(AUDIT, kept)
    return audit

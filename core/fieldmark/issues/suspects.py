"""Suspects: all that is known of each photo when issues are looked for, taken once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fieldmark.backbones import DEFAULT_ARCH, load_backbone
from fieldmark.callbacks import Callback
from fieldmark.dataset import Item
from fieldmark.features import extract
from fieldmark.fitting.leaveout import LeaveOut
from fieldmark.imaging.lookcache import take_looks
from fieldmark.imaging.looks import Look
from fieldmark.issues.duplicates import Group, exact_duplicates, near_duplicates
from fieldmark.learner import Learner
from fieldmark.splits import group_items

NO_LABEL = ""
"""Of a photo that is no longer used; no class is called so."""


@dataclass(frozen=True, eq=False)
class Suspects:
    """The photos of a learner that could be read: first those it learned from, then those it is judged by."""

    items: tuple[Item, ...]
    n_train: int
    vocab: tuple[str, ...]
    probs: npt.NDArray[np.float32]
    """(n, classes): out of fold for those it learned from, the model's own for the others."""
    features: npt.NDArray[np.float32]
    """(n, dim), of the frozen backbone."""
    looks: tuple[Look | None, ...]
    arch: str = DEFAULT_ARCH
    """The backbone that the features come from."""

    @cached_property
    def leave_out(self) -> LeaveOut:
        """Judges any labels of these photos at once; for re-ranking after decisions, too."""
        return LeaveOut(self.features, self.groups)

    @cached_property
    def penalty(self) -> float:
        """Of the regression; it suits the photos, so a few other labels do not change it."""
        return self.leave_out.opinion(self.targets, len(self.vocab)).penalty

    @cached_property
    def opinion(self) -> npt.NDArray[np.float64]:
        """(n, classes): what is believed of each photo without itself and its copies."""
        return self.leave_out.opinion(self.targets, len(self.vocab), penalty=self.penalty).probs

    @cached_property
    def targets(self) -> npt.NDArray[np.intp]:
        """(n,) place of each label in the vocab; -1 for a class that was not learned."""
        place = {label: index for index, label in enumerate(self.vocab)}
        return np.array([place.get(item.label, -1) for item in self.items], dtype=np.intp)

    @cached_property
    def exact(self) -> list[Group]:
        """Groups of places with the same bytes."""
        return exact_duplicates(item.hash for item in self.items)

    @cached_property
    def near(self) -> list[Group]:
        """Groups of places that look the same, among them at least two different files."""
        return near_duplicates(self.looks, self.features)

    @cached_property
    def groups(self) -> npt.NDArray[np.intp]:
        """(n,) the same number for copies of each other, and for what the dataset says belongs together."""
        numbers = np.empty(len(self.items), np.intp)
        for number, cluster in enumerate(group_items(self.items, self.near)):
            numbers[list(cluster)] = number
        return numbers

    def relabelled(self, labels: Mapping[str, str], dropped: Collection[str] = ()) -> Suspects:
        """The same photos after decisions, judged anew in a fraction of a second.

        Args:
            labels: new label of photos, by SHA-256.
            dropped: SHA-256 of photos that are no longer used: nobody is judged by them, and nothing is said of
                them.
        """
        gone = frozenset(dropped)
        items = tuple(
            replace(item, label=NO_LABEL if item.hash in gone else labels.get(item.hash, item.label))
            for item in self.items
        )
        after = replace(self, items=items)
        after.__dict__["leave_out"] = self.leave_out  # it depends on features and copies only
        after.__dict__["penalty"] = self.penalty
        return after

    def side(self, place: int) -> str:
        """ "train" or "valid"."""
        return "train" if place < self.n_train else "valid"


def take_suspects(learner: Learner, callback: Callback) -> Suspects:
    """Gather what a fitted learner knows; features and looks come from their caches.

    Raises:
        NotTrainedError: `fit` was not called.
    """
    items = (*learner.train_items, *learner.valid.items)
    probs = np.concatenate([learner.oof_probs, learner.valid.probs])
    found = extract(
        [item.path for item in items],
        [item.hash for item in items],
        backbone=load_backbone(learner.config.arch),
        rule=learner.config.rule,
        callback=callback,
    )
    kept = list(found.kept)  # a file may have vanished, with its features, since it was fitted
    seen = [items[place] for place in kept]
    return Suspects(
        items=tuple(seen),
        n_train=sum(place < len(learner.train_items) for place in kept),
        vocab=learner.vocab,
        probs=probs[kept],
        features=found.features,
        looks=tuple(_looks(seen, callback)),
        arch=learner.config.arch,
    )


def _looks(items: Sequence[Item], callback: Callback) -> list[Look | None]:
    taken = take_looks([item.path for item in items], callback=callback)
    return [look if isinstance(look, Look) else None for look in taken]

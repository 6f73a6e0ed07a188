"""CloseLook: what a fitted learner sees in one photo — where it looked, and which photos are most like it.

    look = CloseLook(learner)
    look.explain(item.path, "grizzly")      # an activation map
    look.neighbours(item)                   # the photos with the nearest features, and how near

For whoever looks at one photo at a time: the engine is compiled, and the features are read, when first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldmark.backbones import load_backbone
from fieldmark.dataset import Item
from fieldmark.features import extract
from fieldmark.images import open_photo
from fieldmark.imaging.resize import fit_photo, seen_region
from fieldmark.learner import Learner
from fieldmark.models.engine import Engine
from fieldmark.models.familiarity import unit_length
from fieldmark.models.graphs import GraphWriter
from fieldmark.predictor import ActivationMap, class_evidence

BLOCK = 2048
"""Photos whose features are read at once, so that a large dataset needs no second copy in memory."""


@dataclass(frozen=True)
class Neighbour:
    """A photo that is like another."""

    item: Item
    similarity: float
    """Cosine of the features, −1 … 1."""


class CloseLook:
    """One learner, asked about single photos. Used from one thread at a time."""

    def __init__(self, learner: Learner) -> None:
        """Take a fitted learner; nothing is computed yet."""
        self._learner = learner
        self._items = (*learner.train_items, *learner.valid.items)

    def explain(self, file: Path, label: str) -> ActivationMap:
        """Show where the evidence for a class lies (Zhou et al. 2016, arXiv 1512.04150).

        Raises:
            BadImageError: the photo cannot be read.
            ValueError: the learner knows no such class.
        """
        place, rule = self._learner.vocab.index(label), self._learner.config.rule
        image = open_photo(file, need_px=rule.size_px).image
        fmap = self._engine(fit_photo(image, rule)[None])["fmap"][0]  # (dim, h, w)
        maps = np.einsum("cd,dhw->chw", self._learner.head.weight, fmap)
        return ActivationMap(class_evidence(maps, place), seen_region(image.size, rule))

    def neighbours(self, item: Item, k: int = 6) -> list[Neighbour]:
        """List the `k` photos most like this one, the nearest first, without its exact copies."""
        if not (rows := [i for i, other in enumerate(self._items) if other.hash == item.hash]):
            return []
        similarity = (self._features @ self._features[rows[0]]).astype(float)
        similarity[rows] = -np.inf
        best = np.argsort(-similarity, kind="stable")[: min(k, len(self._items) - len(rows))]
        return [Neighbour(self._items[i], similarity[i]) for i in best]

    @cached_property
    def _engine(self) -> Engine:
        g = GraphWriter(self._learner.backbone.graph())
        g.output("fmap", ["N", self._learner.backbone.arch.dim, "h", "w"])
        model = g.model("closelook").SerializeToString()
        return Engine(model, size_px=self._learner.config.rule.size_px, batch=1)

    @cached_property
    def _features(self) -> npt.NDArray[np.float16]:
        """(photos, dim) of the frozen backbone, of length 1; half precision is enough to rank."""
        config, blocks = self._learner.config, []
        backbone = load_backbone(config.arch)
        for start in range(0, len(self._items), BLOCK):
            items = self._items[start : start + BLOCK]
            found = extract(
                [item.path for item in items],
                [item.hash for item in items],
                backbone=backbone,
                rule=config.rule,
            )
            rows = np.zeros((len(items), backbone.arch.dim), np.float16)
            rows[list(found.kept)] = unit_length(found.features)
            blocks.append(rows)
        return np.concatenate(blocks)

"""Judging: what a fitted learner says of photos that were no part of its fit, perhaps altered on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.dataset import Item
from fieldmark.errors import BadImageError
from fieldmark.features import feature_engine
from fieldmark.imaging.loading import Fit, Square, in_batches, load_squares
from fieldmark.interp import Interpretation
from fieldmark.learner import Learner
from fieldmark.models.engine import BATCH_SIZE


def judge_items(
    learner: Learner,
    items: Sequence[Item],
    *,
    fit: Fit | None = None,
    step: str = "Judging photos",
    callback: Callback = silent,
) -> Interpretation:
    """Ask a fitted learner about photos, through the graph and at the precision that are served.

    Args:
        fit: how a photo becomes the square, such as an altered one; by the learner's own rule where not given.
    Returns:
        Of the photos that can be read, in their order.
    Raises:
        NotTrainedError: `fit` was not called on the learner.
    """
    done, rule, kept = learner._done, learner.config.rule, list[Item]()

    def readable() -> Iterator[Square]:
        for place, square in enumerate(load_squares([item.path for item in items], rule, fit)):
            callback(Progress(step, place + 1, len(items)))
            if not isinstance(square, BadImageError):
                kept.append(items[place])
                yield square

    engine = feature_engine(done.backbone, rule)
    rows = [outputs["pooled"] for outputs in engine.stream(in_batches(readable(), BATCH_SIZE))]
    features = np.concatenate([np.empty((0, done.backbone.arch.dim), np.float32), *rows])
    return Interpretation(kept, learner.vocab, done.head.head.probs(features))

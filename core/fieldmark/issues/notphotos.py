"""Not a photo: pages, screenshots, menus, comics and covers among photographs.

The backbone knows these kinds from ImageNet. Of 40 pages made for it all give them at least .47 of their
probability, a quarter of 70 drawings gives .1, of 3,500 photos of bears, insects, food, hands and wild animals
less than one in a hundred does. Drawings of animals are mostly told as odd ones out instead.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fieldmark.backbones import ARCHITECTURES, load_backbone
from fieldmark.fitting.softmax import softmax
from fieldmark.issues.issue import Issue, weighed
from fieldmark.issues.suspects import Suspects
from fieldmark.models.backbone import ImageNetHead
from fieldmark.models.imagenet import find_kind

PAPER = (
    "comic book",
    "web site",
    "menu",
    "crossword puzzle",
    "book jacket",
    "envelope",
    "jigsaw puzzle",
    "rule",
    "binder",
)
"""Kinds of ImageNet that are no photograph of a scene."""
PAPER_FROM = 0.1
USUAL_TIMES = 5.0
"""How many times more than is usual in its class: a class of menus is no fault."""
CERTAIN = 0.5
"""Share of these kinds at which it is certain."""


def paper_shares(features: npt.NDArray[np.float32], head: ImageNetHead) -> npt.NDArray[np.float64]:
    """How probable it is that each photo shows paper or a screen, by raw features (n, dim) → (n,)."""
    places = [find_kind(name).index for name in PAPER]
    probs = softmax(np.asarray(features @ head.weight.T + head.bias, np.float64))
    return np.asarray(probs[:, places].sum(axis=1))


def not_photo_issues(suspects: Suspects) -> Iterator[Issue]:
    """List what is a page, a screenshot or a comic, where its class is not made of such."""
    if suspects.arch not in ARCHITECTURES:
        return  # other backbones may bring no ImageNet head
    shares = paper_shares(suspects.features, load_backbone(suspects.arch).imagenet_head())
    for target in np.unique(suspects.targets):
        own = np.flatnonzero(suspects.targets == target)
        least = max(PAPER_FROM, USUAL_TIMES * float(np.median(shares[own])))
        for place in own[shares[own] >= least]:
            item = suspects.items[place]
            score = weighed("not_a_photo", 0.5 + 0.5 * float(shares[place]) / CERTAIN)
            sentence = "It looks like a page, a screen or a comic, not like a photo of something."
            yield Issue(item.path, item.hash, "not_a_photo", score, item.label, None, sentence)

"""A classifier without a photo: ImageNet's own 1000 kinds, summed up into the classes somebody wants.

The backbone was trained to tell 1000 kinds apart. The probability of a class is the sum of the
probabilities of its kinds; whatever belongs to no class is the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fieldmark.backbones import DEFAULT_ARCH, load_backbone
from fieldmark.errors import DatasetError
from fieldmark.features import feature_engine, probe_features
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.modelfile import ModelCard, ModelInfo
from fieldmark.models.export import Classifier, write_model
from fieldmark.models.freshcheck import FreshCheck
from fieldmark.models.imagenet import Kind, find_kind, kinds

REST = "something else"
PROB_MIN = 0.5
"""Below this no class holds more than all others together: unsure."""

DEMO_CLASSES = {
    "grizzly bear": ("brown bear",),
    "black bear": ("American black bear",),
    "polar bear": ("ice bear",),
    "sloth bear": ("sloth bear",),
    "giant panda": ("giant panda",),
    "teddy bear": ("teddy",),
}
"""The model that comes with Fieldmark, after the bear classifier of the fastai book."""
DEMO_REST = "no bear"
DEMO_LIMITS = (
    "It never saw a photo of yours: it sums up what a network learned from ImageNet's 1000 kinds.",
    "Of 416 web photos of grizzlies, black bears and teddy bears it named 394 right (95 %, 95 % interval 92–96), "
    "and it called none of 698 pictures of food and insects a bear (make bench-spine). Your photos may be harder.",
    "Night cameras, drawings, bears from behind or far away are not what it learned from.",
    "Cubs and rare bears (spectacled, sun) have no kind of their own in ImageNet.",
)


def build_pretrained(
    classes: Mapping[str, Sequence[str]],
    out: str | Path,
    *,
    rest: str = REST,
    title: str = "",
    limits: Sequence[str] = (),
    arch: str = DEFAULT_ARCH,
) -> ModelCard:
    """Write a model file for classes made of ImageNet's kinds.

    Args:
        classes: label → names (or WordNet ids) of the kinds that it stands for.
        rest: label for the kinds that belong to no class.
    Raises:
        BackboneError: a name is unknown or means several kinds.
        DatasetError: no class, an empty one, or a kind in two classes.
        ModelFileError: the reloaded file answered otherwise.
    """
    chosen = {label: [find_kind(name) for name in names] for label, names in classes.items()}
    _check_classes(chosen, rest)
    backbone, rule = load_backbone(arch), ResizeRule()
    head = backbone.imagenet_head()
    classifier = Classifier(head.weight, head.bias, _members(chosen))
    vocab = (*chosen, rest)
    card = ModelCard(
        title=title or ", ".join(chosen),
        summary=f"Tells {len(chosen)} kinds apart from what ImageNet taught it; trained on no photo of yours.",
        classes=dict.fromkeys(vocab, 0),
        n_train=0,
        n_valid=0,
        n_wrong=0,
        backbone=backbone.arch.title,
        source="; ".join(
            f"{label}: {', '.join(k.names[0] for k in group)}" for label, group in chosen.items()
        ),
        limits=tuple(limits) or DEMO_LIMITS[:1],
        made=datetime.now(UTC).date().isoformat(),
    )
    info = ModelInfo(vocab, rule, PROB_MIN, None, card, ())
    with FreshCheck() as fresh, ThreadPoolExecutor(1) as pool:
        probes = pool.submit(probe_features, backbone, rule).result()
        write_model(Path(out), backbone, classifier, info, familiarity=None, fresh=fresh, probes=probes)
    return card


def build_demo(out: str | Path) -> ModelCard:
    """Do what a machine needs once: write the bear model that the apps show before anything was trained.

    The engine that will look at photos is compiled and kept as well: the first training finds it ready.
    """
    card = build_pretrained(DEMO_CLASSES, out, rest=DEMO_REST, title="Bears", limits=DEMO_LIMITS)
    feature_engine(load_backbone(), TrainConfig().rule)
    return card


def _check_classes(chosen: Mapping[str, Sequence[Kind]], rest: str) -> None:
    if not chosen:
        raise DatasetError("No class was named. Name at least one, such as cat=tabby,tiger cat.")
    if rest in chosen:
        raise DatasetError(f"{rest!r} is both a class and the rest. Call one of them otherwise.")
    owner: dict[int, str] = {}
    for label, group in chosen.items():
        if not group:
            raise DatasetError(f"The class {label!r} has no kinds. Name some, such as {label}=tabby.")
        for kind in group:
            if owner.setdefault(kind.index, label) != label:
                raise DatasetError(
                    f"{kind.names[0]!r} is in {owner[kind.index]!r} and in {label!r}; choose one."
                )


def _members(chosen: Mapping[str, Sequence[Kind]]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Which kind belongs to which class: (1000, classes + rest) of 0 and 1."""
    members = np.zeros((len(kinds()), len(chosen) + 1), np.float32)
    for column, group in enumerate(chosen.values()):
        members[[kind.index for kind in group], column] = 1
    members[:, -1] = members.sum(axis=1) == 0
    return members

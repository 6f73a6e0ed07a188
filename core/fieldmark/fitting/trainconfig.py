"""How to fit a model: what is chosen, and the defaults that were measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from fieldmark.backbones import DEFAULT_ARCH
from fieldmark.imaging.augment import ViewKind
from fieldmark.imaging.resize import ResizeRule

FIT_SIZE_PX = 256
"""Of 224, 256 and 288 px: 52, 46 and 45 wrong of 1,451 for 1, 1.3 and 1.7 times the time (bears, food and insects in
five splits, hands in one). Maxima beside means, maps of earlier layers and two augmented views of each photo were
tried as well; none took more errors away, over all sets, than it brought (`make bench-depths`)."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train."""

    arch: str = DEFAULT_ARCH
    """Backbone, by name: the embedded one, or any of timm or torchvision (see architectures.py)."""
    rule: ResizeRule = field(default_factory=lambda: ResizeRule(FIT_SIZE_PX))
    """How photos are fitted into the square."""
    seed: int = 42
    """Deals photos into folds."""
    balanced: bool = False
    """Weigh classes equally, however many photos each has."""
    views: int = 0
    """Augmented views of each training photo that are learned from as well; each costs one more forward pass."""
    view_kind: ViewKind = "augmented"
    """How those views are made."""
    title: str = ""
    """Name of the model; made from the classes where empty."""
    limits: tuple[str, ...] = ()
    """Sentences for its card about where it fails, measured on purpose, such as `FieldCheck.limits`."""

"""How a dataset is trained, as somebody chose it; kept with the photos."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fieldmark.fitting.trainconfig import FIT_SIZE_PX, TrainConfig
from fieldmark.imaging.augment import ViewKind
from fieldmark.imaging.resize import Method as ResizeMethod
from fieldmark.imaging.resize import ResizeRule
from fieldmark.splits import Method as SplitMethod
from fieldmark.splits import SplitConfig

if TYPE_CHECKING:
    from fieldmark.catalog import Catalog

KEY = "training"
"""Of the catalog's settings."""


@dataclass(frozen=True)
class Choices:
    """How to train."""

    split: SplitMethod = "random"
    valid_pct: float = 0.2
    seed: int = 42
    size_px: int = FIT_SIZE_PX
    resize: ResizeMethod = "crop"
    views: int = 0
    view_kind: ViewKind = "augmented"
    balanced: bool = False
    title: str = ""

    @classmethod
    def of(cls, config: TrainConfig, split: SplitConfig) -> Choices:
        """Say as choices what a training was told."""
        return cls(
            split.method, split.valid_pct, split.seed, config.rule.size_px, config.rule.method,
            config.views, config.view_kind, config.balanced, config.title,
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """What decides how good the model is; its name does not, nor how views are made where there are none."""
        idle = {"title"} if self.views else {"title", "view_kind"}
        return {name: value for name, value in asdict(self).items() if name not in idle}

    def as_config(self) -> TrainConfig:
        """What the learner is told."""
        return TrainConfig(
            rule=ResizeRule(self.size_px, self.resize),
            seed=self.seed,
            balanced=self.balanced,
            views=self.views,
            view_kind=self.view_kind,
            title=self.title,
        )

    @property
    def split_config(self) -> SplitConfig:
        """Which photos are held out."""
        return SplitConfig(self.valid_pct, self.seed, self.split)


def read_choices(catalog: Catalog) -> Choices:
    """How to train this dataset; a choice that this version does not know is left out."""
    kept: Any = catalog.setting(KEY, {})
    return Choices(**{key: value for key, value in kept.items() if key in Choices.__annotations__})


def keep_choices(catalog: Catalog, choices: Choices) -> None:
    """Keep them with the photos."""
    catalog.set_setting(KEY, asdict(choices))

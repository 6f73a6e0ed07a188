"""The first pass over a dataset's photos: each is opened once, and gives both its look and its features.

Decoding is most of what a photo costs beside the network. Afterwards whoever needs either finds it kept; what this pass
left out (photos of another size than looks are taken at, those set aside as a test) is made there.
"""

from __future__ import annotations

from fieldmark.backbones import load_backbone
from fieldmark.callbacks import Callback, silent
from fieldmark.dataset import Dataset, Item
from fieldmark.features import extract
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.fitting.trainingphotos import check_enough
from fieldmark.imaging.lookcache import open_look_cache
from fieldmark.imaging.looks import LOOK_PX
from fieldmark.splitfile import read_split
from fieldmark.splits import SplitConfig


def see_photos(dataset: Dataset, config: TrainConfig, split: SplitConfig, callback: Callback = silent) -> int:
    """Compute and keep looks and features of the photos that a training will ask for; before the split is drawn.

    Returns:
        How many needed a forward pass; 0 where nothing was done ahead.
    Raises:
        DatasetError: the split file cannot be used.
        EmptyDatasetError: there is too little to learn from, which shows before any time goes into it.
        Cancelled: the callback asked to stop; what was seen so far is kept.
    """
    if config.rule.size_px != LOOK_PX:
        return 0
    items = _asked_for(dataset, split)
    check_enough(items, "to train on")
    backbone = load_backbone(config.arch, size_px=config.rule.size_px)
    with open_look_cache() as looks:
        paths, hashes = [item.path for item in items], [item.hash for item in items]
        found = extract(paths, hashes, backbone=backbone, rule=config.rule, looks=looks, callback=callback)
    return found.computed


def _asked_for(dataset: Dataset, config: SplitConfig) -> list[Item]:
    if config.file is None:
        return [item for item in dataset.items if item.split != "test"]
    split = read_split(config.file, dataset)
    return [dataset.items[place] for place in sorted((*split.train, *split.valid))]

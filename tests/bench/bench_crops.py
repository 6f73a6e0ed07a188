"""Small animals: recall of rodents at 5 % false events, with and without crops, each camera left out in turn.

Three infrared cameras in boxes for small mammals (camtrap_varanger, 300 frames). A logistic regression on the frozen
backbone's features learns from two cameras and answers for the third; an event's score is the mean logit over its
frames, and the threshold lets 5 % of the events without an animal pass. Crops are cut where a frame differs from its
camera's own background. Beside them: the background alone, which needs no model.

In these boxes an animal fills a fifth of the frame. So it is measured again as if the animals were three and six times as far
away: whole frames and background at a third and a sixth of the pixels, crops from all of them, as a camera of more pixels has.

    make bench-crops                            (or: python tests/bench/bench_crops.py)
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fieldmark.images import open_photo
from fieldmark.results.comparison import mcnemar
from fieldmark.station.background import (
    HEIGHT,
    SOMETHING,
    WIDTH,
    Small,
    differences,
    how_different,
    small_grey,
    standard,
    where_different,
)
from fieldmark.station.crops import cut_out
from fieldmark.station.firstlook import alike, part_features
from fieldmark.station.framelook import look_at_frame
from fieldmark.stats import wilson

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "camtrap_varanger"
GAP = timedelta(seconds=120)
FALSE_EVENTS = 0.05
DISTANCES = (1, 3, 6)
SIZE_PX = 224
"""Shorter side at which a whole frame is looked at."""
STRENGTH = 0.01
"""Of the regularisation: C, for 1280 standardised features of some 200 frames."""

Values = npt.NDArray[np.float64]


@dataclass
class Shots:
    """The frames of all cameras, in order of camera and time."""

    cameras: npt.NDArray[np.str_]
    labels: npt.NDArray[np.str_]
    events: npt.NDArray[np.intp]
    differs: Values
    whole: npt.NDArray[np.float32]
    crop: npt.NDArray[np.float32]
    """Features of the part that differs; of the whole frame where nothing does."""

    @property
    def animal(self) -> npt.NDArray[np.bool_]:
        return self.labels != "empty"


def read(far: int) -> Shots:
    with (PHOTOS / "labels.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["camera"], row["datetime"]))
    times = [datetime.strptime(row["datetime"], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC) for row in rows]
    data = [(PHOTOS / row["file"]).read_bytes() for row in rows]
    images = [open_photo(d).image for d in data]
    cameras = np.array([row["camera"] for row in rows])
    smalls = [
        Small(small_grey(d) if far == 1 else _small(image, far), at, look_at_frame(d).is_night)
        for image, d, at in zip(images, data, times, strict=True)
    ]
    maps = []
    for camera in np.unique(cameras):
        maps += differences([s for s, c in zip(smalls, cameras, strict=True) if c == camera], apart=GAP)
    boxes = [None if found is None else where_different(found) for found in maps]
    crops: list[Image.Image] = [
        image if box is None else cut_out(image, box) for image, box in zip(images, boxes, strict=True)
    ]
    return Shots(
        cameras,
        np.array([row["label"] for row in rows]),
        _events(cameras, times),
        np.array([0.0 if found is None else how_different(found) for found in maps]),
        part_features(images if far == 1 else [_shrunk(image, SIZE_PX // far) for image in images]),
        part_features(crops),
    )


def _small(image: Image.Image, far: int) -> npt.NDArray[np.float32]:
    grey = image.convert("L").resize((WIDTH // far, HEIGHT // far), Image.Resampling.BOX)
    return standard(np.asarray(grey.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float32))


def _shrunk(image: Image.Image, short_px: int) -> Image.Image:
    share = short_px / min(image.size)
    return image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.BOX)


def _events(cameras: Sequence[str], times: Sequence[datetime]) -> npt.NDArray[np.intp]:
    new = [
        place == 0 or cameras[place] != cameras[place - 1] or times[place] - times[place - 1] > GAP
        for place in range(len(times))
    ]
    return np.cumsum(new) - 1


def scores(shots: Shots) -> dict[str, Values]:
    """Score every frame by a model that never saw its camera, in each of the ways."""
    ways: dict[str, Values] = {}
    differs = shots.differs >= SOMETHING
    for camera in np.unique(shots.cameras):
        held = shots.cameras == camera
        animal = shots.animal[~held]
        on_whole = _fit(shots.whole[~held], animal)
        on_both = _fit(
            np.concatenate([shots.whole[~held], shots.crop[~held]]), np.concatenate([animal, animal])
        )
        for trained, model in (("whole frames", on_whole), ("frames and crops", on_both)):
            whole, crop = (_logit(model, features) for features in (shots.whole, shots.crop))
            answers = {
                "whole frame": whole,
                "mean of frame and crop": np.where(differs, (whole + crop) / 2, whole),
                "larger of frame and crop": np.where(differs, np.maximum(whole, crop), whole),
            }
            for name, values in answers.items():
                key = f"trained on {trained}: {name}"
                ways.setdefault(key, np.zeros(len(held)))[held] = values[held]
    ways["no model: difference from the background"] = shots.differs
    return ways


def _fit(features: npt.NDArray[np.float32], animal: npt.NDArray[np.bool_]) -> object:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=3000))
    return model.fit(features, animal)


def _logit(model: object, features: npt.NDArray[np.float32]) -> Values:
    return np.asarray(model.decision_function(features), float)  # type: ignore[attr-defined]


def found(shots: Shots, score: Values) -> tuple[npt.NDArray[np.bool_], float]:
    """Say which events with a rodent are found at 5 % false events of their camera; and the AUROC, mean of cameras."""
    hits, areas = [], []
    for camera in np.unique(shots.cameras):
        events = np.unique(shots.events[shots.cameras == camera])
        values = np.array([score[shots.events == event].mean() for event in events])
        animal = np.array([shots.animal[shots.events == event].any() for event in events])
        rodent = np.array([(shots.labels[shots.events == event] == "rodent").any() for event in events])
        limit = np.quantile(values[~animal], 1 - FALSE_EVENTS, method="higher")
        hits.append(values[rodent] > limit)
        areas.append(roc_auc_score(animal, values))
    return np.concatenate(hits), float(np.mean(areas))


def main() -> None:
    for far in DISTANCES:
        shots = read(far)
        counts = [f"{np.sum(shots.labels == label)} {label}" for label in np.unique(shots.labels)]
        distance = "as they are" if far == 1 else f"as if {far} times as far away"
        print(
            f"\n{len(shots.labels)} frames ({', '.join(counts)}), {shots.events.max() + 1} events, {distance}"
        )
        _compare(shots)
        _first_look(shots)


def _compare(shots: Shots) -> None:
    results = {name: found(shots, score) for name, score in scores(shots).items()}
    base, _ = results["trained on whole frames: whole frame"]
    for name, (hits, area) in results.items():
        low, high = wilson(int(hits.sum()), len(hits))
        p = mcnemar(int((hits & ~base).sum()), int((base & ~hits).sum()))
        print(
            f"{name:62s} {hits.sum():2d} of {len(hits)} rodents ({100 * low:.0f}–{100 * high:.0f} %), "
            f"AUROC {area:.3f}, against whole frames p = {p:.2g}"
        )


def _first_look(shots: Shots) -> None:
    """What is said without any model: frames that look empty, and groups of those that do not."""
    something = shots.differs >= SOMETHING
    for word, which, right in (
        ("frames with an animal that are kept", shots.animal, something),
        ("frames without that are called empty", ~shots.animal, ~something),
    ):
        n, hits = int(which.sum()), int((which & right).sum())
        low, high = wilson(hits, n)
        print(f"{word}: {hits} of {n} ({100 * low:.0f}–{100 * high:.0f} %)")
    groups, labels = alike(shots.crop[something]), shots.labels[something]
    own = [np.unique(labels[groups == group], return_counts=True)[1].max() for group in np.unique(groups)]
    alone = int((np.bincount(groups) == 1).sum())
    print(
        f"{len(labels)} frames in {groups.max() + 1} groups ({alone} alone); "
        f"{100 * sum(own) / len(labels):.0f} % are of the most frequent label of their group"
    )


if __name__ == "__main__":
    main()

"""Near duplicates made on purpose among 2,000 photos, and how many are found."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from cleanbench.odd import features
from PIL import Image, ImageEnhance

from fieldmark.imaging.lookcache import take_looks
from fieldmark.imaging.looks import TINY_PX, Look
from fieldmark.issues.duplicates import near_duplicates

PHOTOS, COPIES, GOAL = 2000, 240, 0.98
MANY, GOAL_S = 100_000, 60.0
DIM = 1280
SETS = ("bears", "ants_bees", "pizza_steak_sushi", "sign_digits")


def run(shared: Path, work: Path) -> bool:
    """Measure and print; whether the goals were met."""
    ok = quality(shared, work) if (shared / "bears").is_dir() else True
    return many() and ok


def quality(shared: Path, work: Path) -> bool:
    """Recall and precision, in pairs."""
    dice = random.Random(7)
    pool = [path for name in SETS for path in sorted((shared / name).rglob("*.jpg"))]
    photos = dice.sample(pool, min(PHOTOS - COPIES, len(pool)))
    sources = dice.sample(range(len(photos)), COPIES)
    copies = [altered(photos[place], work, number, dice) for number, place in enumerate(sources)]
    paths = [*photos, *copies]
    origin = [*range(len(photos)), *sources]
    looks = [look if isinstance(look, Look) else None for look in take_looks(paths)]
    groups = near_duplicates(looks, features(paths))
    number = {place: group for group, places in enumerate(groups) for place in places}
    hits = [number.get(len(photos) + n, -1) == number.get(place, -2) for n, place in enumerate(sources)]
    pairs = [(a, b) for places in groups for n, a in enumerate(places) for b in places[n + 1 :]]
    natural = [(a, b) for a, b in pairs if b < len(photos)]
    wrong = [(a, b) for a, b in pairs if b >= len(photos) and origin[a] != origin[b]]
    # what a photo and its natural twin share is no fault of the finder: it follows from the twin being found
    twins = {(a, b) for a, b in natural}
    false = [(a, b) for a, b in wrong if tuple(sorted((origin[a], origin[b]))) not in twins]
    recall, precision = sum(hits) / len(hits), 1 - len(false) / max(len(pairs) - len(natural), 1)
    print(f"{COPIES} copies among {len(paths)}: recall {recall:.3f}, precision {precision:.3f} in pairs")
    print(f"pairs among the photos themselves, to be looked at: {len(natural)}")
    for a, b in natural[:12]:
        print(f"  {'/'.join(paths[a].parts[-3:])} = {'/'.join(paths[b].parts[-3:])}")
    for kind in range(4):
        own = [hit for n, hit in enumerate(hits) if n % 4 == kind]
        print(f"  {('crop 5 %', 'resize', 'JPEG 60', 'brightness 10 %')[kind]}: {sum(own)} of {len(own)}")
    return recall >= GOAL and precision >= GOAL


def altered(path: Path, work: Path, number: int, dice: random.Random) -> Path:
    """Make one copy, of four kinds by turns."""
    image, quality = Image.open(path).convert("RGB"), 95
    width, height = image.size
    if number % 4 == 0:
        left, top = dice.choice([0.0, 0.025, 0.05]) * width, dice.choice([0.0, 0.025, 0.05]) * height
        image = image.crop((round(left), round(top), round(left + 0.95 * width), round(top + 0.95 * height)))
    elif number % 4 == 1:
        image = image.resize((max(48, width * 6 // 10), max(48, height * 6 // 10)))
    elif number % 4 == 2:
        quality = 60
    else:
        image = ImageEnhance.Brightness(image).enhance(dice.choice([0.9, 1.1]))
    copy = work / f"copy-{number}.jpg"
    image.save(copy, quality=quality)
    return copy


def many() -> bool:
    """How long 100,000 photos take after their features; looks and features are drawn by chance."""
    dice, n = np.random.default_rng(0), MANY if not os.environ.get("QUICK") else MANY // 10
    looks = made_looks(n, dice)
    rows = dice.standard_normal((n, DIM), dtype=np.float32)
    rows[: n // 100] = rows[n // 100 : 2 * (n // 100)] + 0.05
    started, worked = perf_counter(), process_time()
    groups = near_duplicates(looks, rows)
    seconds, work = perf_counter() - started, process_time() - worked
    print(
        f"{n:,} photos after features: {seconds:.1f} s, {work:.1f} s of processor time, which other work disturbs "
        f"least ({len(groups)} groups; one in a hundred has a twin)"
    )
    return seconds <= GOAL_S


def made_looks(n: int, dice: np.random.Generator) -> Sequence[Look]:
    """Looks of photos that are all different, but for the first in a hundred."""
    tinies = dice.integers(0, 256, (n, TINY_PX, TINY_PX), dtype=np.uint8)
    tinies[: n // 100] = tinies[n // 100 : 2 * (n // 100)]
    hashes = dice.integers(0, 2**63, (n, 2))
    return [
        Look(str(i), "JPEG", 640, 480, None, int(a), int(b), 200.0, 500.0, tiny)
        for i, ((a, b), tiny) in enumerate(zip(hashes, tinies, strict=True))
    ]

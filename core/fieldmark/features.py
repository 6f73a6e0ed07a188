"""Features: what the frozen backbone says of each photo, computed once and kept.

A feature vector depends on the photo's bytes, the backbone, the precision and the way the photo is
fitted, and on nothing else. So it is kept under the SHA-256 of the bytes, in one file per backbone,
precision, rule and view: a relabelled, renamed or moved photo costs nothing, a new one one forward pass.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from fieldmark.cachefolder import cache_folder
from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.errors import BadImageError
from fieldmark.images import Photo
from fieldmark.imaging.augment import AUGMENTS, ViewKind, augmented
from fieldmark.imaging.loading import Fit, Opened, Square, in_batches, load_squares
from fieldmark.imaging.lookcache import LookCache
from fieldmark.imaging.looks import LOOK_PX
from fieldmark.imaging.resize import ResizeRule
from fieldmark.models.backbone import Backbone
from fieldmark.models.engine import BATCH_SIZE, Engine, Precision, native_precision, stream_soon
from fieldmark.models.graphs import GraphWriter
from fieldmark.models.probes import probe_photos

Features = npt.NDArray[np.float32]  # (photos, dim)

HASH_BYTES = 32
MIN_COSINE = 0.995
"""Of features in bfloat16 and in float32; those of EfficientNet-Lite0 agree to better than that."""
SAVE_EVERY = 32
"""Batches between two savings: a killed run loses a second of work at most."""


class FeatureCache:
    """Append-only rows on disk beside the hashes they belong to; safe for several processes."""

    def __init__(self, folder: Path, dim: int) -> None:
        """Open the cache in `folder`, whose vectors have `dim` numbers; made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._rows, self._hashes = folder / "rows.f32", folder / "hashes"
        self._lock, self._dim = FileLock(folder / "lock"), dim
        self._places: dict[bytes, int] = {}
        self._refresh()

    def __contains__(self, photo_hash: str) -> bool:
        """Whether the photo with this SHA-256 (hex) has its features here."""
        return bytes.fromhex(photo_hash) in self._places

    def read(self, hashes: Sequence[str]) -> Features:
        """Give the rows of photos that are all here, in the order asked for."""
        if not hashes:
            return np.empty((0, self._dim), np.float32)
        rows = np.memmap(self._rows, np.float32, mode="r", shape=(len(self._places), self._dim))
        return np.asarray(rows[[self._places[bytes.fromhex(h)] for h in hashes]])

    def add(self, hashes: Sequence[str], rows: Features) -> None:
        """Append rows that are not here yet. A crash in between leaves the cache as it was before."""
        with self._lock:
            self._refresh()
            new = {h: row for h, row in zip(hashes, rows, strict=True) if h not in self}
            _append(
                self._rows, len(self._places) * self._dim * 4, b"".join(r.tobytes() for r in new.values())
            )
            _append(self._hashes, len(self._places) * HASH_BYTES, b"".join(bytes.fromhex(h) for h in new))
            self._refresh()

    def _refresh(self) -> None:
        """Read which photos are here; rows count only once their hash stands behind them."""
        known = self._hashes.read_bytes() if self._hashes.exists() else b""
        size = self._rows.stat().st_size if self._rows.exists() else 0
        count = min(len(known) // HASH_BYTES, size // (self._dim * 4))
        self._places = {known[i * HASH_BYTES : (i + 1) * HASH_BYTES]: i for i in range(count)}


def _append(path: Path, at: int, content: bytes) -> None:
    """Write `content` behind the first `at` bytes, over whatever a crash may have left there; on disk when it returns."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(at)
        file.truncate()
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # else hashes could outlive a power cut, and their rows be zeros


@dataclass(frozen=True)
class Extraction:
    """Features of the photos that could be read."""

    features: Features
    """(photos read, dim), in the order of `kept`."""
    kept: tuple[int, ...]
    """Places of those photos among the ones asked for."""
    failures: dict[int, BadImageError]
    """Place → why that photo was not accepted."""
    computed: int
    """How many photos needed a forward pass; the others were in the cache."""

    def rows(self, places: Sequence[int]) -> Features:
        """Features (places, dim) of photos that could be read, by their places among the ones asked for."""
        row = {place: row for row, place in enumerate(self.kept)}
        return self.features[[row[place] for place in places]]


def feature_engine(
    backbone: Backbone, rule: ResizeRule, *, precision: Precision | None = None, keep: bool = True
) -> Engine:
    """Compile the trunk and average its last map over the photo, which is the feature vector.

    Args:
        keep: what is compiled, for the next process; not of weights that nobody will ask again.
    """
    g = GraphWriter(backbone.graph())
    pooled = pooled_features(g)
    g.output(pooled, ["N", backbone.arch.dim])
    model = g.model(backbone.arch.name).SerializeToString()
    known_as = hashlib.sha256(model).hexdigest() if keep else ""
    return Engine(model, size_px=rule.size_px, precision=precision, known_as=known_as)


def feature_cache(
    backbone: Backbone,
    rule: ResizeRule,
    precision: Precision,
    view: int = 0,
    view_kind: ViewKind = "augmented",
) -> FeatureCache:
    """Open the features that are kept of one backbone, precision, rule and view."""
    name = f"{backbone.key}-{precision}-{rule.method}{rule.size_px}" + _view_name(view, view_kind)
    return FeatureCache(cache_folder("features", name), backbone.arch.dim)


def probe_features(
    backbone: Backbone, rule: ResizeRule, precision: Precision = "f32", *, engine: Engine | None = None
) -> Features:
    """Features of the drawn probes, to compare precisions and saved files by; kept like those of any photo.

    Args:
        engine: what would be compiled for it, where somebody has it.
    """
    cache, photos = feature_cache(backbone, rule, precision), probe_photos(rule.size_px)
    hashes = [hashlib.sha256(photo.tobytes()).hexdigest() for photo in photos]
    if not all(photo_hash in cache for photo_hash in hashes):
        engine = engine or feature_engine(backbone, rule, precision=precision)
        cache.add(hashes, engine(photos)["pooled"])
    return cache.read(hashes)


def trusted_precision(backbone: Backbone, rule: ResizeRule) -> Precision:
    """bfloat16 where the CPU has it and this backbone says the same of the probes in it, else float32.

    What is in 8 bits has float32 around it: it is quick already, and the same on every machine.
    """
    if backbone.arch.eight_bit_of or native_precision() == "f32":  # in this order: to ask loads the engine
        return "f32"
    exact, fast = (probe_features(backbone, rule, precision) for precision in ("f32", "bf16"))
    return "bf16" if agree(exact, fast) else "f32"


def agree(exact: Features, fast: Features) -> bool:
    """Whether features (n, dim) of the same photos, from two precisions, point the same way."""
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(fast, axis=1)
    cosines = (exact * fast).sum(axis=1) / np.maximum(lengths, 1e-12)
    return bool((cosines >= MIN_COSINE).all())


def pooled_features(g: GraphWriter) -> str:
    """Average the feature map over height and width: (N, dim, h, w) → (N, dim)."""
    mean = g.add("GlobalAveragePool", "fmap", name="fmap.mean")
    return g.add("Flatten", mean, name="pooled")


def extract(
    paths: Sequence[Path],
    hashes: Sequence[str],
    *,
    backbone: Backbone,
    rule: ResizeRule,
    view: int = 0,
    view_kind: ViewKind = "augmented",
    looks: LookCache | None = None,
    callback: Callback = silent,
) -> Extraction:
    """Give the features of photos, for training; only what is not in the cache is computed.

    Args:
        paths: the photos.
        hashes: SHA-256 of each, hex, in the same order.
        view: 0 is the photo as it is; 1, 2, … are other views of it, always the same ones.
        view_kind: how those are made.
        looks: where the look of each photo that is opened is kept as well; for squares of LOOK_PX, view 0.
    """
    precision = trusted_precision(backbone, rule)
    cache = feature_cache(backbone, rule, precision, view, view_kind)
    missing = {h: path for h, path in zip(hashes, paths, strict=True) if h not in cache}
    failures: dict[str, BadImageError] = {}
    if missing:
        fit = _view_of(list(missing), rule, view, view_kind)
        kept_looks = looks if not view and rule.size_px == LOOK_PX else None
        squares = load_squares(missing.values(), rule, fit, opened=_check(list(missing), kept_looks))
        with ThreadPoolExecutor(1) as pool:
            engine = pool.submit(feature_engine, backbone, rule, precision=precision)
            failures = _compute(list(missing), squares, engine, cache, callback)
        if precision == "f32":  # while it is compiled: saving would have to do it again
            probe_features(backbone, rule, engine=engine.result())
    kept = tuple(i for i, h in enumerate(hashes) if h not in failures)
    bad = {i: failures[h] for i, h in enumerate(hashes) if h in failures}
    return Extraction(cache.read([hashes[i] for i in kept]), kept, bad, len(missing) - len(failures))


def _view_name(view: int, kind: ViewKind) -> str:
    if not view:
        return ""
    return f"-view{view}" if kind == "augmented" else f"-{kind.replace('_', '')}{view}"


def _view_of(hashes: Sequence[str], rule: ResizeRule, view: int, kind: ViewKind) -> Fit | None:
    """Tell how a view is made of a photo; the draw depends on the photo's bytes and the view's number."""
    if not view:
        return None
    return lambda image, place: augmented(image, rule, [view, int(hashes[place][:15], 16)], AUGMENTS[kind])


def _check(hashes: Sequence[str], looks: LookCache | None) -> Opened:
    """Tell what is done with each opened photo: it must be the one that was meant, and then its look is taken."""

    def check(data: bytes, photo: Photo, place: int) -> None:
        if hashlib.sha256(data).hexdigest() != hashes[place]:
            raise BadImageError(
                "Changed: the file is not what it was when it was found; a program wrote into it, or it has rotted. "
                "Start again to take it as it is, or copy it again from where it came.",
                code="changed",
            )
        if looks is not None:
            looks.look_of(data, hashes[place], photo)

    return check


def _compute(
    hashes: Sequence[str],
    squares: Iterable[Square | BadImageError],
    engine: Future[Engine],
    cache: FeatureCache,
    callback: Callback,
) -> dict[str, BadImageError]:
    """Compute and keep the features of photos; what is done stays, however this ends."""
    failures: dict[str, BadImageError] = {}
    read: list[str] = []  # hashes in the order in which the engine gets their photos
    batches = in_batches(_readable(hashes, squares, read, failures), BATCH_SIZE)
    done = 0
    waiting: list[Features] = []

    def save() -> None:
        nonlocal done
        if waiting:
            rows = np.concatenate(waiting)
            cache.add(read[done : done + len(rows)], rows)
            done += len(rows)
            waiting.clear()

    try:
        for outputs in stream_soon(engine, batches):
            waiting.append(outputs["pooled"])
            if len(waiting) == SAVE_EVERY:
                save()
            so_far = done + len(failures) + sum(map(len, waiting))
            callback(Progress("Looking at photos", so_far, len(hashes)))
    finally:
        save()
    return failures


def _readable(
    hashes: Sequence[str],
    squares: Iterable[Square | BadImageError],
    read: list[str],
    failures: dict[str, BadImageError],
) -> Iterator[Square]:
    """Give the photos that can be read; note which these are, and why the others cannot."""
    for photo_hash, square in zip(hashes, squares, strict=True):
        if isinstance(square, BadImageError):
            failures[photo_hash] = square
        else:
            read.append(photo_hash)
            yield square

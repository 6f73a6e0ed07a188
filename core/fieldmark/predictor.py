"""Predictor: a loaded model file that answers for photos. Needs numpy, Pillow and OpenVINO only."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldmark.errors import BadImageError, ModelFileError
from fieldmark.images import Source, open_photo
from fieldmark.imaging.loading import Square, in_batches, load_squares
from fieldmark.imaging.resize import fit_photo, seen_region
from fieldmark.modelfile import ModelCard, ModelFile, ModelInfo, parse_model_file, read_model_file
from fieldmark.models.engine import (
    BATCH_SIZE,
    Engine,
    Outputs,
    Precision,
    read_graph,
    served_precision,
    stream_soon,
)
from fieldmark.models.probes import probe_photos
from fieldmark.models.vino import ov
from fieldmark.prediction import ActivationMap, Failure, Prediction, Verdict

__all__ = ["ActivationMap", "Failure", "Prediction", "Predictor", "Verdict"]

SELFTEST_TOLERANCE = {"f32": 0.002, "bf16": 0.2}
"""Largest difference of a probability on the probes between the trainer's float32 and this machine."""
FEW = 2
"""Photos a request where there are few: as fast as full batches, and hardly ever filled up."""
SCORES = ("knn", "mahalanobis")


class Predictor:
    """Answers for photos with one model; safe to share between threads."""

    probed: npt.NDArray[np.float32]
    """What it answered on the drawn probes when it was loaded: (probes, classes) probabilities."""

    def __init__(self, file: ModelFile, *, precision: Precision | None = None, kept: bool = True) -> None:
        """Compile and try a verified model file.

        Args:
            kept: whether what is compiled is kept, for the next process to load.
        Raises:
            ModelFileError: the graph does not fit its metadata, or answers otherwise than the trainer's.
        """
        self.info: ModelInfo = file.info
        self.sha256 = file.sha256
        self._known_as = file.sha256 if kept else ""
        self._graph = _checked_graph(file)
        self.precision: Precision = precision or served_precision(self._graph)
        self._engines: dict[int, Future[Engine]] = {}
        self._compiling = Lock()
        self._one = self._compile(batch=1)
        try:
            self._selftest()
        except ModelFileError:
            if precision is not None or self.precision == "f32":
                raise
            self.precision = "f32"  # this CPU's bfloat16 does not suit this model
            self._one = self._compile(batch=1)
            self._selftest()

    @classmethod
    def load(cls, path: str | Path, *, precision: Precision | None = None, kept: bool = True) -> Predictor:
        """Load a model file.

        Args:
            kept: whether what is compiled is kept, for the next process to load.
        Raises:
            ModelFileError: it is missing, damaged, foreign, or does not work here.
        """
        return cls(read_model_file(path), precision=precision, kept=kept)

    @classmethod
    def from_bytes(cls, content: bytes, *, precision: Precision | None = None) -> Predictor:
        """Load a model file that is in memory already; raises as `load`."""
        return cls(parse_model_file(content), precision=precision)

    @property
    def vocab(self) -> tuple[str, ...]:
        """The class names, in the order of the outputs."""
        return self.info.vocab

    @property
    def card(self) -> ModelCard:
        """What this model is, for whoever uses it."""
        return self.info.card

    def predict(self, photos: Sequence[Source], *, alone: bool = True) -> list[Prediction | Failure]:
        """Classify photos, one answer per photo in the order given; a bad photo is a Failure in its place.

        Args:
            photos: paths or the bytes of files.
            alone: False where other threads ask meanwhile: each then decodes its own, a tenth less work in all.
        """
        return list(self.stream(photos, alone=alone))

    def stream(self, photos: Iterable[Source], *, alone: bool = True) -> Iterator[Prediction | Failure]:
        """Classify any number of photos, for folders: as `predict`, with flat memory."""
        batch = _batch_for(len(photos) if isinstance(photos, Sequence) else BATCH_SIZE)
        waiting: deque[Failure | None] = deque()  # None: the next prediction belongs here

        def readable() -> Iterator[Square]:
            for square in load_squares(photos, self.info.rule, alone=alone):
                if isinstance(square, BadImageError):
                    waiting.append(Failure(square.code, str(square)))
                else:
                    waiting.append(None)
                    yield square

        batches = in_batches(readable(), batch)
        for outputs in self._one.stream(batches) if batch == 1 else stream_soon(self._engine(batch), batches):
            for prediction in self._predictions(outputs):
                while (failure := waiting.popleft()) is not None:
                    yield failure
                yield prediction
        yield from (failure for failure in waiting if failure is not None)

    def explain(self, photo: Source, label: str | None = None) -> ActivationMap:
        """Show where the evidence for a class lies (Zhou et al. 2016, arXiv 1512.04150).

        Args:
            label: the class; the most probable one where None.
        Raises:
            BadImageError: the photo is not accepted.
            ValueError: the model has no such class.
        """
        if label is not None and label not in self.vocab:
            raise ValueError(f"{label!r} is none of {', '.join(self.vocab)}")
        return self.predict_and_explain(photo, label)[1]

    def predict_and_explain(
        self, photo: Source, label: str | None = None
    ) -> tuple[Prediction, ActivationMap]:
        """Both in one pass, for a page that shows both; the same values, and raises as `explain`."""
        rule = self.info.rule
        image = open_photo(photo, need_px=rule.size_px).image
        outputs = self._one(fit_photo(image, rule)[None])
        (prediction,) = self._predictions(outputs)
        index = self.vocab.index(label or prediction.label)
        return prediction, ActivationMap(
            class_evidence(outputs["cam"][0], index), seen_region(image.size, rule)
        )

    def probe(self) -> npt.NDArray[np.float32]:
        """Answer on the drawn probes again: (probes, classes) probabilities."""
        photos = probe_photos(self.info.rule.size_px)
        return np.concatenate([self._one(photos[i : i + 1])["probs"] for i in range(len(photos))])

    def _engine(self, batch: int) -> Future[Engine]:
        """What computes batches of a size; where it is not compiled yet a thread does that, once for all who ask."""
        with self._compiling:
            found = self._engines.get(batch)
            if found is None:
                pool = ThreadPoolExecutor(1, thread_name_prefix="compile")
                self._engines[batch] = found = pool.submit(self._compile, batch=batch)
                found.add_done_callback(lambda made: made.exception() and self._engines.pop(batch))
                pool.shutdown(wait=False)
            return found

    def _compile(self, *, batch: int) -> Engine:
        size = self.info.rule.size_px
        return Engine(
            self._graph, size_px=size, batch=batch, precision=self.precision, known_as=self._known_as
        )

    def _selftest(self) -> None:
        self.probed = found = self.probe()
        expected = np.array(self.info.selftest, np.float32)
        if found.shape != expected.shape or not np.isfinite(found).all():
            raise ModelFileError("the model's answers are not finite numbers. Export it again.")
        worst = float(np.abs(found - expected).max())
        if worst > SELFTEST_TOLERANCE[self.precision]:
            raise ModelFileError(
                f"on this machine the model's probabilities differ by {worst:.2f} from the trainer's, so it "
                "was not used. Update OpenVINO, or export the model again.",
                code="selftest",
            )

    def _predictions(self, outputs: Outputs) -> Iterator[Prediction]:
        ps, far = self._familiarity(outputs), self._is_far(outputs)
        for probs, p, is_far in zip(outputs["probs"], ps, far, strict=True):
            shares = probs / probs.sum()  # in bfloat16 they add up to 1 ± 0.002
            best = int(shares.argmax())
            named = dict(zip(self.vocab, map(float, shares), strict=True))
            prob = float(shares[best])
            yield Prediction(self.vocab[best], prob, named, self._verdict(prob, p, is_far), p)

    def _verdict(self, prob: float, p: float | None, is_far: bool) -> Verdict:
        calibration = self.info.calibration
        level = calibration.level if calibration else None
        if p is not None and level is not None and p < level and is_far:
            return "unfamiliar"
        return "unsure" if prob < self.info.prob_min else "familiar"

    def _is_far(self, outputs: Outputs) -> list[bool]:
        """Whether photos are stranger than photos of another source would be; always, where no limit is known."""
        known = self.info.calibration
        if known is None or known.limits is None:
            return [True] * len(outputs["probs"])
        knn, mahalanobis = known.limits
        return [bool(far) for far in (outputs["knn"] > knn) | (outputs["mahalanobis"] > mahalanobis)]

    def _familiarity(self, outputs: Outputs) -> list[float | None]:
        """Twice the smaller of the two p-values, at most 1 (Bonferroni)."""
        known = self.info.calibration
        if known is None:
            return [None] * len(outputs["probs"])
        pairs = zip(outputs["knn"], outputs["mahalanobis"], strict=True)
        return [min(1.0, 2 * min(_p_value(a, known.knn), _p_value(b, known.mahalanobis))) for a, b in pairs]


def _batch_for(n: int) -> int:
    """What answers `n` photos soonest: both cores on one, each on its own of a few, or full batches of many."""
    return 1 if n <= 1 else FEW if n < BATCH_SIZE else BATCH_SIZE


def _p_value(score: float, known: Sequence[float]) -> float:
    """Share of known scores at least as high, the photo itself counted (conformal p-value)."""
    return (1 + len(known) - bisect_left(known, float(score))) / (len(known) + 1)


def class_evidence(maps: npt.NDArray[np.float32], index: int) -> npt.NDArray[np.float32]:
    """Evidence for one class above the mean of all, scaled to 0 … 1: (classes, h, w) → (h, w)."""
    evidence = np.maximum(maps[index] - maps.mean(axis=0), 0)
    highest = float(evidence.max())
    return np.asarray(evidence / (highest or 1.0), np.float32)


def _checked_graph(file: ModelFile) -> ov.Model:
    graph = read_graph(file.content)
    vocab, shapes = file.info.vocab, _output_shapes(graph)
    needed = {"probs", "cam", *(SCORES if file.info.calibration else ())}
    if missing := needed - shapes.keys():
        raise ModelFileError(f"its graph has no output called {', '.join(sorted(missing))}.")
    outputs = shapes["probs"][-1]
    if outputs != len(vocab):
        raise ModelFileError(f"it names {len(vocab)} classes, but its graph answers for {outputs}.")
    if not all(np.isfinite(values).all() for values in _weights(graph)):
        raise ModelFileError("some of its weights are not finite numbers.")
    return graph


def _output_shapes(graph: ov.Model) -> dict[str, list[Any]]:
    return {
        output.get_any_name(): [d.get_length() if d.is_static else None for d in output.partial_shape]
        for output in graph.outputs
    }


def _weights(graph: ov.Model) -> Iterator[npt.NDArray[Any]]:
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "Constant" and node.get_element_type().is_real():
            yield node.data

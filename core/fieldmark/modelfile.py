"""The model file: one ONNX file that holds everything needed to classify, and no code.

In the graph: normalisation, backbone, head, temperature, class-activation map, features of length 1 and
the two scores of unfamiliarity. In its metadata, under `fieldmark`: a JSON object with vocabulary, resize
rule, thresholds, card and self-test; under `fieldmark.sha256` the SHA-256 of the whole file with these 64
digits set to 0. Reading needs no ONNX library: the few bytes around the graph are parsed here, every
length checked against what is there, before the engine sees anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

from fieldmark.errors import ModelFileError
from fieldmark.imaging.resize import Method, ResizeRule

FORMAT_VERSION = 1
MAX_BYTES = 512 * 2**20
MAX_METADATA_BYTES = 16 * 2**20
METADATA_KEY, DIGEST_KEY = "fieldmark", "fieldmark.sha256"
BLANK_DIGEST = b"0" * 64

# Field numbers of ModelProto and StringStringEntryProto in onnx.proto.
GRAPH_FIELD, METADATA_FIELD = 7, 14
KNOWN_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})

FOREIGN = {
    b"\x80": "a pickle, which can run code when it is opened",
    b"PK\x03\x04": "a zip archive or a PyTorch checkpoint, which can run code when it is opened",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "a Keras HDF5 file",
}
"""First bytes of what people try to load instead."""


@dataclass(frozen=True)
class Sureness:
    """How often answers were right on photos the model had not seen, at and above its threshold."""

    prob_min: float
    """An answer below this probability is called unsure."""
    right: int
    n: int


@dataclass(frozen=True)
class Flagged:
    """How many known photos would have been called unfamiliar, while they were held out."""

    alone: int
    """Of `n`, each held out with its duplicates: what to expect of more photos of the same source."""
    n: int
    apart: int
    """Of `n_apart`, each held out with all photos most like it: as if of another source; the limits are chosen so."""
    n_apart: int


@dataclass(frozen=True)
class ModelCard:
    """What a model is, for whoever uses it."""

    title: str
    summary: str
    classes: Mapping[str, int]
    """Training photos per class, in vocab order; 0 where it learned without photos."""
    n_train: int
    n_valid: int
    n_wrong: int
    """Of the `n_valid` photos that were held out."""
    backbone: str
    source: str
    """Where its knowledge comes from."""
    limits: tuple[str, ...]
    """What it will not do well, a sentence each."""
    made: str
    """Date, ISO 8601."""
    sureness: Sureness | None = None
    flagged: Flagged | None = None
    """None where too few photos are known to call any unfamiliar, and in files of before."""

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> ModelCard:
        """Take them back from JSON; a file of before lacks the latest."""
        sureness, flagged = raw.get("sureness"), raw.get("flagged")
        return cls(
            **{
                **raw,
                "limits": tuple(str(limit) for limit in raw["limits"]),
                "sureness": Sureness(**sureness) if sureness else None,
                "flagged": Flagged(**flagged) if flagged else None,
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Calibration:
    """Scores that training photos had when held out, each sorted; photos are compared with these."""

    knn: tuple[float, ...]
    mahalanobis: tuple[float, ...]
    level: float | None
    """A photo whose p-value lies below is unfamiliar; None with too few photos to tell."""
    limits: tuple[float, float] | None = None
    """Scores (knn, mahalanobis) that a photo must exceed one of as well, to be called unfamiliar: higher, because
    another source lies further off. None in files of before."""


@dataclass(frozen=True)
class ModelInfo:
    """Everything in the metadata."""

    vocab: tuple[str, ...]
    rule: ResizeRule
    prob_min: float
    calibration: Calibration | None
    card: ModelCard
    selftest: tuple[tuple[float, ...], ...]
    """Probabilities, in float32, of the photos that `selftest.probe_photos` draws."""

    def as_json(self) -> str:
        """The metadata value."""
        content = {"format": FORMAT_VERSION, **{f.name: getattr(self, f.name) for f in fields(self)}}
        return json.dumps(content, default=_plain, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class ModelFile:
    """A model file whose bytes are whole and whose metadata makes sense; the graph is not loaded yet."""

    content: bytes
    info: ModelInfo
    sha256: str


def read_model_file(path: str | Path) -> ModelFile:
    """Read and verify a model file, for the predictor.

    Raises:
        ModelFileError: it is missing, no model, damaged, too large, or newer than this version.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelFileError(
                f"{path.name} has {path.stat().st_size / 2**20:.0f} MiB; a model file has at most "
                f"{MAX_BYTES // 2**20}. It was not opened."
            )
        content = path.read_bytes()
    except OSError as exc:
        raise ModelFileError(
            f"{path.name} cannot be read: {exc.strerror or exc}. Check the path, or train a model first.",
            code="no_model",
        ) from exc
    try:
        return parse_model_file(content)
    except ModelFileError as error:
        raise ModelFileError(f"{path.name}: {error}", code=error.code) from error


def parse_model_file(content: bytes) -> ModelFile:
    """Verify the bytes of a model file.

    Raises:
        ModelFileError: see `read_model_file`.
    """
    _refuse_foreign(content)
    metadata, digest_at = _metadata(content)
    if METADATA_KEY not in metadata or digest_at is None:
        raise ModelFileError("an ONNX file, but not one of Fieldmark's: it lacks vocabulary and resize rule.")
    digest = metadata[DIGEST_KEY].decode("ascii", "replace")
    blank = content[:digest_at] + BLANK_DIGEST + content[digest_at + len(BLANK_DIGEST) :]
    if hashlib.sha256(blank).hexdigest() != digest:
        raise ModelFileError(
            "the file is damaged: its content does not fit its SHA-256. Copy it again from where it was made."
        )
    return ModelFile(content, _read_info(metadata[METADATA_KEY]), digest)


def sealed(content: bytes) -> bytes:
    """Put the SHA-256 of a model's bytes into its blank digest, for the exporter."""
    _, at = _metadata(content)
    if at is None or content[at : at + 64] != BLANK_DIGEST:
        raise ValueError("the model has no blank digest to fill")
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:at] + digest + content[at + len(digest) :]


def _refuse_foreign(content: bytes) -> None:
    for start, what in FOREIGN.items():
        if content.startswith(start):
            raise ModelFileError(
                f"this is {what}. Only Fieldmark's own ONNX files are opened.", code="foreign"
            )
    if not content:
        raise ModelFileError("the file is empty.")


def _metadata(content: bytes) -> tuple[dict[str, bytes], int | None]:
    """Give the metadata entries, and where the value of the digest begins."""
    entries: dict[str, bytes] = {}
    digest_at: int | None = None
    size = 0
    for number, start, end in _fields(content, 0, len(content)):
        if number not in KNOWN_FIELDS:
            raise ModelFileError("this is not an ONNX file, or something was appended to it.")
        if number != METADATA_FIELD:
            continue
        size += end - start
        if size > MAX_METADATA_BYTES:
            raise ModelFileError(f"its metadata is larger than {MAX_METADATA_BYTES // 2**20} MiB.")
        parts = {n: (s, e) for n, s, e in _fields(content, start, end)}
        if not parts.keys() >= {1, 2}:
            raise ModelFileError("its metadata is damaged.")
        key = content[slice(*parts[1])].decode("utf-8", "replace")
        if key in entries:
            raise ModelFileError(f"its metadata names {key!r} twice.")
        entries[key] = content[slice(*parts[2])]
        if key == DIGEST_KEY and len(entries[key]) == len(BLANK_DIGEST):
            digest_at = parts[2][0]
    return entries, digest_at


def _fields(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Walk a protobuf message: field number, where its value begins and ends."""
    at = start
    while at < end:
        tag, at = _varint(content, at, end)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            begin = at
            _, at = _varint(content, at, end)
        elif kind in (1, 5):
            begin, at = at, at + (8 if kind == 1 else 4)
        elif kind == 2:
            length, begin = _varint(content, at, end)
            at = begin + length
        else:
            raise ModelFileError("this is not an ONNX file.")
        if at > end:
            raise ModelFileError("the file is cut short, or is not an ONNX file. Copy it again.")
        yield number, begin, at


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise ModelFileError("the file is cut short, or is not an ONNX file. Copy it again.")
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise ModelFileError("this is not an ONNX file.")


def _read_info(value: bytes) -> ModelInfo:
    try:
        raw = json.loads(value)
        version = raw["format"]
        if version != FORMAT_VERSION:
            raise ModelFileError(
                f"the file has format {version!r}, and this version of Fieldmark reads format "
                f"{FORMAT_VERSION}. Update Fieldmark, or export the model again.",
                code="newer_format",
            )
        return _info_from(raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ModelFileError(
            f"its metadata is incomplete or damaged ({type(exc).__name__}: {exc}). Export the model again."
        ) from exc


def _info_from(raw: Mapping[str, Any]) -> ModelInfo:
    rule = ResizeRule(int(raw["rule"]["size_px"]), _one_of(raw["rule"]["method"], get_args(Method)))
    vocab = tuple(str(label) for label in raw["vocab"])
    if len(vocab) < 2 or len(set(vocab)) != len(vocab):
        raise ModelFileError(f"its vocabulary of {len(vocab)} names is too short or names one twice.")
    calibration = raw["calibration"]
    return ModelInfo(
        vocab=vocab,
        rule=rule,
        prob_min=float(raw["prob_min"]),
        calibration=_calibration(calibration) if calibration else None,
        card=ModelCard.from_dict(raw["card"]),
        selftest=tuple(tuple(float(prob) for prob in probs) for probs in raw["selftest"]),
    )


def _calibration(raw: Mapping[str, Any]) -> Calibration:
    knn, mahalanobis = (tuple(sorted(map(float, raw[name]))) for name in ("knn", "mahalanobis"))
    level, limits = raw["level"], raw.get("limits")
    return Calibration(
        knn,
        mahalanobis,
        None if level is None else float(level),
        None if limits is None else (float(limits[0]), float(limits[1])),
    )


def _one_of(value: str, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {allowed}")
    return value


def _plain(value: object) -> object:
    return value.as_dict() if hasattr(value, "as_dict") else asdict(value)  # type: ignore[call-overload]

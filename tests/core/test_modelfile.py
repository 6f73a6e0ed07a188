"""Model files: whole or refused, by their bytes alone and before any engine sees them (FAULTS M31–M33)."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, load_model_from_string

from fieldmark.errors import ModelFileError
from fieldmark.modelfile import (
    BLANK_DIGEST,
    DIGEST_KEY,
    MAX_BYTES,
    METADATA_KEY,
    parse_model_file,
    read_model_file,
    sealed,
)  # fmt: skip
from fieldmark.predictor import Predictor


@pytest.fixture(scope="module")
def content(cat_model: Path) -> bytes:
    return cat_model.read_bytes()


def resealed(content: bytes, change: Callable[[ModelProto], None]) -> bytes:
    """A file that somebody changed on purpose, with a digest that fits."""
    model = load_model_from_string(content)
    change(model)
    for entry in model.metadata_props:
        if entry.key == DIGEST_KEY:
            entry.value = BLANK_DIGEST.decode()
    return sealed(model.SerializeToString(deterministic=True))


def with_metadata(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    def changed(model: ModelProto) -> None:
        (entry,) = (e for e in model.metadata_props if e.key == METADATA_KEY)
        info = json.loads(entry.value)
        change(info)
        entry.value = json.dumps(info)

    return resealed(content, changed)


def test_a_file_of_before_its_card_told_of_verdicts_still_loads(content: bytes) -> None:
    old = with_metadata(content, lambda info: (info["card"].pop("flagged"), info["card"].pop("sureness")))
    card = parse_model_file(old).info.card
    assert (card.flagged, card.sureness) == (None, None)


# --- M31: only ONNX files of ours ---------------------------------------------------------------------------


class Trap:
    """Unpickled, it would raise."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was opened",))


def zip_of_a_pickle() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Trap()))
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_m31_a_pickle_is_refused_by_its_first_bytes_and_never_opened(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "export.pkl"
    path.write_bytes(pickle.dumps(Trap(), protocol=protocol))
    with pytest.raises(ModelFileError, match=r"export\.pkl: this is a pickle") as raised:
        Predictor.load(path)
    assert raised.value.code == "foreign"


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.joblib", "model.onnx"])
def test_m31_a_torch_checkpoint_is_refused_under_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(zip_of_a_pickle())
    with pytest.raises(ModelFileError, match="can run code"):
        Predictor.load(tmp_path / name)


def test_m31_an_old_pickle_without_a_marker_is_no_model_either() -> None:
    with pytest.raises(ModelFileError):
        parse_model_file(pickle.dumps(Trap(), protocol=0))


# --- M32: the bytes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [1, 2, 64, 1000])
def test_m32_a_file_cut_short_is_refused(content: bytes, lost: int) -> None:
    for cut in (content[:-lost], content[lost:]):
        with pytest.raises(ModelFileError):
            parse_model_file(cut)


@pytest.mark.parametrize("tail", [b"\0", b"\n", b"x" * 100], ids=repr)
def test_m32_a_file_made_longer_is_refused(content: bytes, tail: bytes) -> None:
    with pytest.raises(ModelFileError):
        parse_model_file(content + tail)


def test_m32_a_zip_behind_the_model_is_refused(content: bytes) -> None:
    with pytest.raises(ModelFileError):
        parse_model_file(content + zip_of_a_pickle())


def test_m32_a_file_over_the_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a hole: no disk is used
    with pytest.raises(ModelFileError, match="512"):
        read_model_file(path)


def test_m32_metadata_that_says_it_is_huge_is_refused_before_it_is_read() -> None:
    claims = b"\x72" + b"\x80\x80\x80\x64"  # field 14, a length of 200 MiB, and nothing behind
    with pytest.raises(ModelFileError, match="cut short"):
        parse_model_file(claims)


def test_m32_too_much_metadata_is_refused(content: bytes) -> None:
    def bloat(model: ModelProto) -> None:
        model.metadata_props.add(key="more", value="x" * (17 * 2**20))

    with pytest.raises(ModelFileError, match="larger than 16 MiB"):
        resealed(content, bloat)


def test_m32_json_nested_a_hundred_thousand_deep_is_refused(content: bytes) -> None:
    def nest(model: ModelProto) -> None:
        (entry,) = (e for e in model.metadata_props if e.key == METADATA_KEY)
        entry.value = "[" * 100_000

    with pytest.raises(ModelFileError, match="metadata"):
        parse_model_file(resealed(content, nest))


def test_m32_a_graph_that_refers_to_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\0" * 4096)

    def refer(model: ModelProto) -> None:
        weight = next(w for w in model.graph.initializer if len(w.dims) == 4)
        weight.ClearField("raw_data")
        weight.data_location = 1
        weight.external_data.add(key="location", value=str(tmp_path / "secret"))

    with pytest.raises(ModelFileError):
        Predictor.from_bytes(resealed(content, refer))


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_m32_any_bytes_are_refused_with_a_sentence(junk: bytes) -> None:
    with pytest.raises(ModelFileError):
        parse_model_file(junk)


# --- M33: what the bytes say ---------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.data())
def test_m33_one_flipped_bit_anywhere_is_refused(content: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(content) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
    with pytest.raises(ModelFileError):
        parse_model_file(flipped)


def test_m33_metadata_and_digest_count_as_well(content: bytes) -> None:
    start = content.index(b'{"format"')
    for at in [*range(start - 6, start + 6), *range(len(content) - 12, len(content))]:
        for bit in (0, 3, 7):
            flipped = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
            with pytest.raises(ModelFileError):
                parse_model_file(flipped)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_m33_weights_that_are_no_numbers_are_refused(content: bytes, value: float) -> None:
    def spoil(model: ModelProto) -> None:
        bias = next(w for w in model.graph.initializer if w.name == "head.bias")
        bias.raw_data = np.full(bias.dims, value, np.float32).tobytes()

    with pytest.raises(ModelFileError, match="not finite"):
        Predictor.from_bytes(resealed(content, spoil))


@pytest.mark.parametrize("vocab", [["cat", "dog"], ["cat", "dog", "no animal", "fish"]])
def test_m33_a_vocabulary_that_does_not_fit_the_graph_is_refused_with_both_numbers(
    content: bytes, vocab: list[str]
) -> None:
    changed = with_metadata(content, lambda info: info.update(vocab=vocab))
    with pytest.raises(ModelFileError, match=f"names {len(vocab)} classes, but its graph answers for 3"):
        Predictor.from_bytes(changed)


def test_m33_one_name_twice_is_refused(content: bytes) -> None:
    with pytest.raises(ModelFileError, match="vocabulary"):
        parse_model_file(with_metadata(content, lambda info: info.update(vocab=["a", "a", "b"])))


@pytest.mark.parametrize("field", ["rule", "vocab", "card", "prob_min", "selftest", "calibration", "format"])
def test_m33_metadata_that_is_missing_is_named(content: bytes, field: str) -> None:
    with pytest.raises(ModelFileError, match=field):
        parse_model_file(with_metadata(content, lambda info: info.pop(field)))


def test_m33_a_newer_format_is_refused_with_both_numbers(content: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"format 99.*format 1") as raised:
        parse_model_file(with_metadata(content, lambda info: info.update(format=99)))
    assert raised.value.code == "newer_format"


def test_m33_a_model_that_answers_otherwise_than_its_trainer_said_is_refused(content: bytes) -> None:
    def lie(info: dict[str, Any]) -> None:
        info["selftest"] = [list(reversed(row)) for row in info["selftest"]]

    with pytest.raises(ModelFileError, match="differ") as raised:
        Predictor.from_bytes(with_metadata(content, lie), precision="f32")
    assert raised.value.code == "selftest"


def test_m33_somebody_else_s_onnx_file_is_refused(content: bytes) -> None:
    model = load_model_from_string(content)
    del model.metadata_props[:]
    with pytest.raises(ModelFileError, match="not one of Fieldmark's"):
        parse_model_file(model.SerializeToString())


def test_the_hash_of_a_model_names_its_content(content: bytes) -> None:
    model = parse_model_file(content)
    assert len(model.sha256) == 64
    other = parse_model_file(with_metadata(content, lambda info: info["card"].update(title="another")))
    assert other.sha256 != model.sha256
    assert other.info.card.title == "another"

"""Checkpoints: a training as it stood at the end of an epoch, to go on from after whatever happened.

One safetensors file; the JSON that belongs to the tensors lies in its own header, so that the two are
replaced in one act and can never disagree. It holds no code, and reading it runs none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldmark.errors import StoreError

Tensors = Mapping[str, npt.NDArray[Any]]

HEADER_KEY = "fieldmark"


@dataclass(frozen=True)
class Checkpoint:
    """Numbers by name, and what is to be known of them."""

    tensors: dict[str, npt.NDArray[Any]]
    state: dict[str, Any]
    """Plain values, as JSON has them."""

    def below(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """The tensors whose names begin with `prefix`, without it."""
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}


def save_checkpoint(path: Path, tensors: Tensors, state: Mapping[str, Any]) -> None:
    """Replace the checkpoint at `path`: whenever the power goes, the old one or the new one is there, whole.

    Raises:
        StoreError: the disk is full or cannot be written; what was there before still is.
    """
    from safetensors.numpy import save

    whole = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    content = save(whole, {HEADER_KEY: json.dumps(state, allow_nan=False)})
    write_durably(path, content)


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None where there is none.

    Raises:
        StoreError: `bad_checkpoint`: the file is damaged, or is something else.
    """
    if not path.exists():
        return None
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return Checkpoint(tensors, _state_in(file))


def read_state(path: Path) -> dict[str, Any] | None:
    """Read what a checkpoint tells beside its tensors, without reading those; None where there is none.

    Raises:
        StoreError: `bad_checkpoint`, as `load_checkpoint`.
    """
    if not path.exists():
        return None
    with _opened(path) as file:
        return _state_in(file)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            yield file
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as exc:
        raise StoreError(
            f"The checkpoint {path.name} cannot be read ({exc}). Remove it, or start again without resuming.",
            code="bad_checkpoint",
        ) from exc


def _state_in(file: Any) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(file.metadata()[HEADER_KEY])
    return state


def write_durably(path: Path, content: bytes) -> None:
    """Write a file beside its place, make sure that it is on the disk, then put it there.

    Raises:
        StoreError: `cannot_save`; what was at `path` before still is.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync_folder(path.parent)
    except OSError as exc:
        raise StoreError(
            f"{path.name} cannot be saved: {exc.strerror}. What was saved before is untouched. "
            "Free some space, or choose another folder.",
            code="cannot_save",
        ) from exc
    finally:
        with suppress(OSError):  # where it cannot be removed there is none, or the disk is past saying so
            unfinished.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

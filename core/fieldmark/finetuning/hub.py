"""Weights as safetensors: from a file, or from the hub (Hugging Face's, or whatever HF_ENDPOINT names).

Only safetensors are opened: they hold numbers and no code. Most weights on the net are pickles, which can run code
when they are opened; those are refused, with what to do instead.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldmark.errors import BackboneError

FILE = "model.safetensors"
TIMEOUT_S = 10.0
PICKLES = (b"\x80", b"PK\x03\x04")

Tensors = dict[str, npt.NDArray[Any]]


def fetch_weights(name: str, repository: str) -> Path:
    """Give the file with an architecture's weights, from the hub's cache on this machine or else from the hub.

    Raises:
        BackboneError: `no_weights`: nobody publishes them as safetensors; `hub`: the hub cannot be reached.
    """
    if not repository:
        raise BackboneError(f"No weights are published for {name}. {_instead(name)}", code="no_weights")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # a download says nothing about this machine
    try:
        import httpx
        from huggingface_hub import constants, hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError
    except ModuleNotFoundError as exc:
        raise BackboneError(
            f"Fetching the weights of {name} needs huggingface_hub. Install fieldmark[architectures], or "
            f"{_instead(name)[0].lower()}{_instead(name)[1:]}",
            code="not_installed",
        ) from exc
    try:
        return Path(hf_hub_download(repository, FILE, local_files_only=True))
    except (OSError, ValueError):
        pass  # not in the cache
    try:
        httpx.head(constants.ENDPOINT, timeout=TIMEOUT_S)  # the download would try again for half a minute
        return Path(hf_hub_download(repository, FILE, etag_timeout=TIMEOUT_S))
    except (EntryNotFoundError, RepositoryNotFoundError) as exc:
        if _is_missing_there(exc):
            raise BackboneError(
                f"{repository} at {constants.ENDPOINT} has no {FILE} for {name}. {_instead(name)}",
                code="no_weights",
            ) from exc
        raise _unreachable(name, repository, constants.ENDPOINT, exc) from exc
    except Exception as exc:  # whatever the client's transport raises: the answer is the same
        raise _unreachable(name, repository, constants.ENDPOINT, exc) from exc


def read_tensors(path: Path) -> Tensors:
    """Read a safetensors file, numbers as float32 where they are fractions.

    Raises:
        BackboneError: it is a pickle, damaged, or something else.
    """
    from safetensors import SafetensorError, safe_open

    with path.open("rb") as file:
        start = file.read(4)
    if any(start.startswith(magic) for magic in PICKLES):
        raise BackboneError(
            f"{path.name} is a pickle, which can run code when it is opened, so it was not. Where it is trusted, turn "
            "it into safetensors: safetensors.torch.save_file(torch.load(FILE, weights_only=True), NEW_FILE).",
            code="foreign",
        )
    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            tensors = {name: np.asarray(file.get_tensor(name)) for name in names}
    except (SafetensorError, TypeError, ValueError, OSError) as exc:
        raise BackboneError(
            f"{path.name} cannot be read as safetensors ({exc}). Fetch it again.", code="bad_weights"
        ) from exc
    return {
        name: value.astype(np.float32) if value.dtype.kind == "f" else value
        for name, value in tensors.items()
    }


def _is_missing_there(error: Exception) -> bool:
    """Whether the hub answered that it has no such file; without a connection the same class is raised."""
    return getattr(error, "response", None) is not None


def _unreachable(name: str, repository: str, endpoint: str, exc: Exception) -> BackboneError:
    reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
    return BackboneError(
        f"The weights of {name} are not on this machine, and could not be fetched from {endpoint} ({reason[:160]}). "
        f"Connect and run again, or fetch {FILE} of {repository} elsewhere. {_instead(name)}",
        code="hub",
    )


def _instead(name: str) -> str:
    return f"Give them as a file: --arch {name}@FILE.safetensors"

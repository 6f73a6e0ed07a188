"""Any architecture of timm or torchvision, by name, where the embedded backbone is not what somebody wants.

A name is one of timm's ("resnet18", "convnext_tiny.fb_in22k"), or of torchvision's after its folder
("torchvision/resnet18"); "@FILE.safetensors" behind it takes the weights from a file instead of the hub. What comes
out is the same as for the embedded one: a graph from uint8 photos to the last feature map, made once and kept, so
that everything after it (features, head, model file) is as it always is, and needs no torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fieldmark.cachefolder import cache_folder
from fieldmark.errors import BackboneError
from fieldmark.finetuning.hub import fetch_weights
from fieldmark.imaging.hashing import file_hash
from fieldmark.models.architecture import Architecture
from fieldmark.models.backbone import FORMAT, Backbone, write_whole

if TYPE_CHECKING:
    from torch import nn

TORCHVISION = "torchvision/"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLOSE_NAMES = 4


@dataclass(frozen=True)
class Request:
    """What a name asks for."""

    name: str
    """As the library knows it, after "torchvision/" where it is torchvision's."""
    file: Path | None
    """Weights to take; None: the hub's."""

    @classmethod
    def parse(cls, text: str) -> Request:
        """Split "NAME@FILE"."""
        name, at, file = text.partition("@")
        return cls(name.removeprefix("timm/"), Path(file).expanduser() if at else None)


def load_architecture(text: str, *, size_px: int | None = None) -> Backbone:
    """Give the backbone of any architecture, preparing it first where that was not done yet.

    Args:
        size_px: side of the square that will be asked for; some networks take only their own.
    Raises:
        BackboneError: no library knows the name, its weights cannot be had or do not fit, or it cannot be served.
    """
    request, folder = Request.parse(text), cache_folder("backbones")
    file = _file_known_here(request, folder)
    if file is None:
        described = _describe(request)
        file = fetch_weights(described.name, described.weights)
        write_whole(_pointer(request, folder), lambda path: path.write_text(str(file), "utf-8"))
    digest = file_hash(file)
    stem = f"{quote(request.name, safe='')}-{digest[:12]}-v{FORMAT}"
    trunk, facts = folder / f"{stem}.onnx", folder / f"{stem}.json"
    if not (trunk.exists() and facts.exists()):
        _prepare(_describe(request), file, digest, trunk, facts)
    arch = Architecture(**{**_tuples(json.loads(facts.read_text("utf-8"))), "weights": str(file.resolve())})
    if arch.fixed and size_px not in (None, arch.size_px):
        raise BackboneError(
            f"{request.name} takes photos of {arch.size_px} px and no others, and {size_px} were asked for. "
            f"Choose {arch.size_px}, or another architecture.",
            code="fixed_size",
        )
    content = trunk.read_bytes()
    key = f"{quote(arch.name, safe='')}-{hashlib.sha256(content).hexdigest()[:16]}"
    return Backbone(arch, content, key, folder / f"{stem}-imagenet.npz")


def build_network(arch: Architecture) -> nn.Module:
    """Build the layers of an architecture, with random weights and without a classifier where it has a switch."""
    if arch.library == "torchvision":
        from fieldmark.finetuning.vision import models

        network: nn.Module = models.get_model(arch.name.removeprefix(TORCHVISION), weights=None)
        return network.eval()
    timm = _timm(arch.name)
    network = timm.create_model(arch.name, pretrained=False, num_classes=0)
    return network.eval()


def _prepare(arch: Architecture, file: Path, digest: str, trunk: Path, facts: Path) -> None:
    from fieldmark.finetuning.hub import read_tensors
    from fieldmark.finetuning.torchexport import trunk_graph
    from fieldmark.finetuning.trunks import Trunk

    found = replace(arch, sha256=digest, weights=str(file))
    net = Trunk(found, read_tensors(file))
    found = replace(found, dim=net.dim)
    content = trunk_graph(net).SerializeToString(deterministic=True)
    write_whole(trunk, lambda path: path.write_bytes(content))
    write_whole(facts, lambda path: path.write_text(json.dumps(asdict(found)), "utf-8"))


def _describe(request: Request) -> Architecture:
    """Look the name up; nothing is built or fetched yet."""
    if request.name.startswith(TORCHVISION):
        return _of_torchvision(request.name)
    timm = _timm(request.name)
    if not timm.is_model(request.name.partition(".")[0]):
        raise _unknown(request.name, timm.list_models())
    config = timm.get_pretrained_cfg(request.name, allow_unregistered=True)
    if config is None:
        raise _unknown(request.name, timm.list_models(pretrained=True))
    return Architecture(
        name=request.name,
        title=f"{request.name} (timm{f', {config.tag}' if config.tag else ''})",
        licence=str(config.license or "not stated"),
        size_px=int(config.input_size[-1]),
        dim=0,
        package="",
        weights=str(config.hf_hub_id or ""),
        sha256="",
        library="timm",
        mean=_scaled(config.mean),
        std=_scaled(config.std),
        fixed=bool(config.fixed_input_size),
    )


def _of_torchvision(name: str) -> Architecture:
    try:
        from fieldmark.finetuning.vision import models
    except ModuleNotFoundError as exc:
        raise _not_installed(name, "torchvision") from exc
    own = name.removeprefix(TORCHVISION)
    known = models.list_models(module=models)
    if own not in known:
        raise _unknown(name, [TORCHVISION + other for other in known])
    if own.startswith("vit_"):
        raise BackboneError(
            f"{name} gives no feature map that can be shown. timm has the same network: try vit_base_patch16_224.",
            code="unsupported",
        )
    rule = models.get_model_weights(own).DEFAULT.transforms()
    return Architecture(
        name=name,
        title=f"{own} (torchvision)",
        licence="BSD-3-Clause",
        size_px=int(rule.crop_size[0]),
        dim=0,
        package="",
        weights=f"timm/{own}.tv_in1k",
        sha256="",
        library="torchvision",
        mean=_scaled(getattr(rule, "mean", IMAGENET_MEAN)),
        std=_scaled(getattr(rule, "std", IMAGENET_STD)),
        fixed=own.startswith("maxvit"),
    )


def _file_known_here(request: Request, folder: Path) -> Path | None:
    """Weights that were named or fetched before, so that neither timm nor torch has to be asked for them."""
    if request.file is not None:
        if not request.file.is_file():
            raise BackboneError(f"There is no file {str(request.file)!r} with the weights of {request.name}.")
        return request.file
    pointer = _pointer(request, folder)
    file = Path(pointer.read_text("utf-8")) if pointer.is_file() else None
    return file if file is not None and file.is_file() else None


def _pointer(request: Request, folder: Path) -> Path:
    """A small file that says where weights of the hub lie on this machine."""
    return folder / f"{quote(request.name, safe='')}-hub.txt"


def _timm(name: str) -> Any:
    try:
        import_module("fieldmark.finetuning.vision")  # makes torchvision importable, which timm imports
        return import_module("timm")
    except ModuleNotFoundError as exc:
        raise _not_installed(name, "timm") from exc


def _not_installed(name: str, library: str) -> BackboneError:
    return BackboneError(
        f"{name!r} is not the embedded backbone, and {library} is not installed, which may know it. "
        "Install fieldmark[architectures].",
        code="not_installed",
    )


def _unknown(name: str, known: list[str]) -> BackboneError:
    close = get_close_matches(name, known, CLOSE_NAMES, 0.5)
    hint = f"Did you mean {', '.join(close)}?" if close else "Names are those of timm, or torchvision/NAME."
    return BackboneError(f"There is no backbone called {name!r}. {hint}", code="unknown_backbone")


def _scaled(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(255 * float(value) for value in values)


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}

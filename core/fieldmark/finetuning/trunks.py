"""The trunk of any timm or torchvision network: everything up to its last feature map, to train or to export it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isqrt
from typing import Any, cast

import numpy.typing as npt
import torch  # noqa: TID253 - imported lazily itself, only where a network is built
from torch import Tensor, nn  # noqa: TID253

from fieldmark.errors import BackboneError
from fieldmark.finetuning.architectures import build_network
from fieldmark.models.architecture import Architecture

EARLY_SHARE = 8
"""Layers whose maps are at least an eighth of the photo's side are early, as the first two stages of a ResNet."""
EARLY_WITHOUT_MAPS = 1 / 3
"""Share of the layers that is early in a network whose maps never shrink."""
CLASSIFIERS: tuple[str, ...] = ("fc", "classifier", "head", "AuxLogits", "aux1", "aux2")
"""What torchvision calls the layers behind the trunk."""


class Trunk(nn.Module):
    """Normalised photos (N, 3, H, W) → feature vectors (N, dim), with norms and dropout as when serving."""

    def __init__(self, arch: Architecture, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Build it and fill it.

        Raises:
            BackboneError: the weights are not this network's, or it gives no feature map.
        """
        super().__init__()
        self.arch = arch
        self.network = build_network(arch)
        self._own = self.network.state_dict().keys()
        self._head = _classifier_names(self.network)
        self.load(tensors)
        self._maps: Callable[[Tensor], Tensor] = _feature_maps(arch, self.network)
        with torch.inference_mode():
            self.dim = int(self.maps(torch.zeros(1, 3, arch.size_px, arch.size_px)).shape[1])

    def forward(self, x: Tensor) -> Tensor:
        """Give the average of the last feature map."""
        pooled: Tensor = self.maps(x).mean((2, 3))  # (N, dim)
        return pooled

    def maps(self, x: Tensor) -> Tensor:
        """Give the last feature map (N, dim, h, w)."""
        return self._maps(x)

    def normalise_(self, photos: Tensor) -> Tensor:
        """Bring photos (N, 3, H, W) from 0 … 255, in place, to what these weights were trained on."""
        mean, std = (
            torch.tensor(v, device=photos.device).view(3, 1, 1) for v in (self.arch.mean, self.arch.std)
        )
        return photos.sub_(mean).div_(std)

    def load(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take weights by their names; those of a classifier that comes after the trunk may be missing."""
        given = {name: torch.tensor(value) for name, value in tensors.items() if name in self._own}
        state = self.network.state_dict()
        wrong = [name for name, value in given.items() if value.shape != state[name].shape]
        lacking = [n for n in self._own if n not in given and not n.endswith("num_batches_tracked")]
        faults = [n for n in [*lacking, *wrong] if n not in self._head]
        if faults:
            raise BackboneError(
                f"These weights are not {self.arch.name}'s: {len(faults)} of its {len(self._own)} tensors are missing "
                f"or of another shape, such as {faults[0]}. Check the file and the name.",
                code="bad_weights",
            )
        state.update({name: value for name, value in given.items() if name not in wrong})
        self.network.load_state_dict(state)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Give the weights by their names, apart from the network: it may train on."""
        state = self.network.state_dict()
        return {n: v.detach().cpu().numpy().copy() for n, v in state.items() if n not in self._head}

    def groups(self) -> list[list[nn.Parameter]]:
        """Parameters from early to late, in two groups that learn at their own rate."""
        early = self._early_modules()
        first = [p for module in early for p in module.parameters(recurse=False)]
        known = {id(p) for p in first}
        rest = [p for n, p in self.network.named_parameters() if id(p) not in known and n not in self._head]
        return [first, rest]

    def stages(self) -> Iterator[nn.Module]:
        """The layers that compute most: between two of them is a good moment to look up from work."""
        yield from (m for m in self.network.modules() if isinstance(m, nn.Conv2d | nn.Linear))

    def _early_modules(self) -> list[nn.Module]:
        """Layers in the order they run, up to the last whose map is still large."""
        ran: list[tuple[nn.Module, int]] = []
        layers = [m for m in self.network.modules() if any(True for _ in m.parameters(recurse=False))]

        def note(module: nn.Module, _args: object, output: object) -> None:
            large = (
                isinstance(output, Tensor)
                and output.dim() == 4
                and output.shape[-1] * EARLY_SHARE >= self.arch.size_px
            )
            ran.append((module, int(large)))

        handles = [layer.register_forward_hook(note) for layer in layers]
        with torch.inference_mode():
            self.maps(torch.zeros(1, 3, self.arch.size_px, self.arch.size_px))
        for handle in handles:
            handle.remove()
        count = max((i + 1 for i, (_, large) in enumerate(ran) if large), default=0)
        if count in (0, len(ran)):
            count = round(EARLY_WITHOUT_MAPS * len(ran))
        return list(dict.fromkeys(module for module, _ in ran[:count]))


def _classifier_names(network: nn.Module) -> set[str]:
    """Tensors of the layers behind the trunk: what a file may lack, or have for other classes."""
    config = getattr(network, "pretrained_cfg", None)
    tops = CLASSIFIERS
    if config is not None:  # timm's was built without a classifier, but heads may have layers of their own
        found = config.get("classifier") or ()
        tops = (found,) if isinstance(found, str) else tuple(found)
    return {n for n in network.state_dict() if any(n == top or n.startswith(f"{top}.") for top in tops)}


def _feature_maps(arch: Architecture, network: nn.Module) -> Callable[[Tensor], Tensor]:
    if arch.library == "torchvision":
        return _torchvision_maps(arch, network)
    features = cast(Callable[[Tensor], Tensor], network.forward_features)
    last = str(getattr(network, "output_fmt", "NCHW")).rpartition(".")[2]
    prefix = int(cast(int, getattr(network, "num_prefix_tokens", 0)))

    def maps(x: Tensor) -> Tensor:
        found = features(x)
        if found.dim() == 4:
            return found.permute(0, 3, 1, 2) if last == "NHWC" else found
        tokens = found[:, prefix:]  # (N, h * w, dim)
        side = isqrt(tokens.shape[1])
        if tokens.dim() != 3 or side * side != tokens.shape[1]:
            raise BackboneError(f"{arch.name} gives no feature map that can be shown.", code="unsupported")
        return tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], side, side)

    return maps


def _torchvision_maps(arch: Architecture, network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Find the last operation whose result is a map, before it is averaged."""
    from fieldmark.finetuning.vision import feature_extraction

    _, names = feature_extraction.get_graph_node_names(network)
    outputs = feature_extraction.create_feature_extractor(network, return_nodes=names)
    with torch.inference_mode():
        found = outputs.eval()(torch.zeros(1, 3, arch.size_px, arch.size_px))
    maps = [
        name
        for name, value in found.items()
        if isinstance(value, Tensor)
        and value.dim() == 4
        and min(value.shape[2:]) > 1
        and name.partition(".")[0] not in CLASSIFIERS  # a classifier can be a convolution
    ]
    if not maps:
        raise BackboneError(f"{arch.name} gives no feature map that can be shown.", code="unsupported")
    last = feature_extraction.create_feature_extractor(network, return_nodes={maps[-1]: "fmap"}).eval()
    return lambda x: last(x)["fmap"]

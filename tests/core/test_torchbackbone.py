"""The torch network is the same network as timm's and as the graph that is served."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fieldmark.finetuning.vision  # noqa: F401 - before timm
from fieldmark.backbones import EFFICIENTNET_LITE0, _read_checkpoint, load_backbone
from fieldmark.features import feature_engine
from fieldmark.finetuning.torchbackbone import Lite0, Tensors
from fieldmark.imaging.resize import ResizeRule
from fieldmark.models.probes import probe_photos

timm = pytest.importorskip("timm")


@pytest.fixture(scope="module")
def checkpoint() -> Tensors:
    return dict(_read_checkpoint(EFFICIENTNET_LITE0))


@pytest.fixture(scope="module")
def net(checkpoint: Tensors) -> Lite0:
    return Lite0(checkpoint).eval()


def as_input(net: Lite0, size_px: int) -> torch.Tensor:
    return net.normalise_(torch.from_numpy(probe_photos(size_px)).permute(0, 3, 1, 2).float())


@pytest.mark.parametrize("size_px", [49, 64])
def test_it_computes_what_timms_does(net: Lite0, checkpoint: Tensors, size_px: int) -> None:
    other = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    values = map(torch.tensor, checkpoint.values())
    other.load_state_dict(dict(zip(other.state_dict(), values, strict=True)))
    # in float64, because ReLU6 has corners: a rounding error there is another gradient
    own, photos = Lite0(checkpoint).eval().double(), as_input(net, size_px)[:2].double()
    expected = other.eval().double().forward_features(photos).mean((2, 3))
    found = own(photos)
    assert torch.allclose(found, expected)
    for features in (found, expected):
        features.square().sum().backward()
    gradients = [p.grad for p in own.parameters()], [p.grad for p in other.parameters() if p.grad is not None]
    assert all(map(torch.allclose, *gradients))
    assert len(gradients[0]) == len(gradients[1])


def test_the_served_graph_computes_the_same_up_to_its_float16_weights(net: Lite0) -> None:
    served = feature_engine(load_backbone(EFFICIENTNET_LITE0.name), ResizeRule(), precision="f32")(
        probe_photos(224)
    )["pooled"]
    with torch.inference_mode():
        found = net(as_input(net, 224)).numpy()
    assert np.linalg.norm(served - found) <= 0.01 * np.linalg.norm(found)


def test_weights_come_back_under_their_own_names(net: Lite0, checkpoint: Tensors) -> None:
    found = net.tensors()
    assert set(checkpoint) - set(found) == {"_fc.weight", "_fc.bias"}
    assert all(np.array_equal(found[name], checkpoint[name]) for name in found)


def test_weights_that_were_given_do_not_change_while_it_trains_on(checkpoint: Tensors) -> None:
    net = Lite0(checkpoint)
    before = net.tensors()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1)
    assert np.array_equal(before["_bn1.weight"], checkpoint["_bn1.weight"])


def test_every_parameter_is_in_one_group(net: Lite0) -> None:
    early, late = net.groups()
    assert sorted(map(id, early + late)) == sorted(map(id, net.parameters()))
    assert sum(p.numel() for p in early) < 0.02 * sum(p.numel() for p in late)

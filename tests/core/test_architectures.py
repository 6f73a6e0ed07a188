"""Any architecture by name: from its weights to a model file, and what is said where that cannot be."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fieldmark.backbones import load_backbone, trunk_tensors
from fieldmark.dataset import read_dataset
from fieldmark.errors import BackboneError
from fieldmark.features import feature_engine
from fieldmark.finetune import FineTuneConfig, fine_tune
from fieldmark.finetuning.architectures import Request, load_architecture
from fieldmark.finetuning.trunks import Trunk
from fieldmark.finetuning.vision import models
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner, TrainConfig
from fieldmark.models.engine import native_precision
from fieldmark.models.probes import probe_photos
from fieldmark.predictor import Predictor
from fieldmark.sources.sample import write_sample
from fieldmark.splitfile import given_split
from fieldmark.splits import Split

timm = pytest.importorskip("timm")


def write_weights(path: Path, network: torch.nn.Module) -> Path:
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)
    return path


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of its own, so that nothing prepared here stays, or was there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIELDMARK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return write_weights(
        tmp_path_factory.mktemp("weights") / "model.safetensors", timm.create_model("test_resnet")
    )


@pytest.fixture(scope="module")
def learner(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Learner:
    dataset = read_dataset(write_sample(tmp_path_factory.mktemp("sample"), mislabelled=False))
    split = given_split(dataset)
    config = TrainConfig(arch=f"test_resnet@{weights}", rule=ResizeRule(64))
    return Learner(dataset, Split(split.train[::3], split.valid), config).fit()


def test_a_name_may_carry_a_file() -> None:
    assert Request.parse("timm/resnet18@~/a.safetensors") == Request(
        "resnet18", Path("~/a.safetensors").expanduser()
    )
    assert Request.parse("torchvision/resnet18") == Request("torchvision/resnet18", None)


def test_a_fit_on_its_features_is_saved_and_answers_as_it_was_judged(
    learner: Learner, tmp_path: Path
) -> None:
    card = learner.export(tmp_path / "model.onnx")
    answers = Predictor.load(tmp_path / "model.onnx").predict([item.path for item in learner.valid.items])
    found = np.array([[answer.probs[label] for label in learner.vocab] for answer in answers])
    rounding = 5e-2 if native_precision() == "bf16" else 2e-2  # bfloat16, in other batches
    assert np.abs(found - learner.valid.probs).max() < rounding
    assert card.backbone == "test_resnet (timm, r160_in1k)"


def test_it_is_fine_tuned_like_the_embedded_one(learner: Learner, tmp_path: Path) -> None:
    config = FineTuneConfig(epochs=1, frozen_epochs=0, batch_size=24, precision="f32")
    without = Learner(learner.dataset, Split(learner.split.train, ()), learner.config).fit()
    tuned = fine_tune(without, config, workdir=tmp_path)
    assert tuned.best_epoch == 1
    assert tuned.export(tmp_path / "tuned.onnx").backbone.endswith("fine-tuned for 1 epoch")
    before, after = without._done.backbone, tuned._done.backbone
    assert after.key != before.key
    assert not np.allclose(*(pooled(found, 64) for found in (before, after)))


def pooled(backbone: Any, size_px: int) -> Any:
    return feature_engine(backbone, ResizeRule(size_px), precision="f32")(probe_photos(size_px))["pooled"]


def test_the_graph_of_trained_weights_is_the_network_that_was_trained(learner: Learner) -> None:
    from fieldmark.finetuning.finetunerun import initial_weights
    from fieldmark.finetuning.schedule import Hyper
    from fieldmark.finetuning.tuner import Tuner, _blank_batch

    tuner = Tuner(initial_weights(learner), size_px=64)
    tuner.step(_blank_batch(6, 82, 3), Hyper((1e-3, 1e-3, 1e-3), 0.9))
    served = pooled(tuner.weights().backbone(learner._done.backbone), 64)
    photos = torch.from_numpy(probe_photos(64)).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        found = tuner.net(tuner.net.normalise_(photos)).numpy()
    assert np.linalg.norm(served - found) < 0.02 * np.linalg.norm(found)


def test_early_and_late_layers_together_are_all_of_them(learner: Learner) -> None:
    arch = learner._done.backbone.arch
    net = Trunk(arch, trunk_tensors(arch))
    early, late = net.groups()
    assert early
    assert late
    assert len({id(p) for p in (*early, *late)}) == len(early) + len(late) == len(list(net.parameters()))


def test_a_prepared_one_is_not_prepared_again(learner: Learner, weights: Path) -> None:
    code = """
import sys
from fieldmark.backbones import load_backbone
backbone = load_backbone(sys.argv[1], size_px=64)
print(backbone.key, backbone.arch.dim, "torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, f"test_resnet@{weights}"], capture_output=True, text=True, check=False
    )
    backbone = learner._done.backbone
    assert done.stdout.split() == [backbone.key, str(backbone.arch.dim), "False"], done.stderr


def test_one_of_torchvision_works_as_well(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = models.get_model("squeezenet1_1", weights=None).eval()
    file = write_weights(tmp_path / "w.safetensors", network)
    backbone = load_architecture(f"torchvision/squeezenet1_1@{file}")
    served = pooled(backbone, 96)
    photos = Trunk(backbone.arch, trunk_tensors(backbone.arch)).normalise_(
        torch.from_numpy(probe_photos(96)).permute(0, 3, 1, 2).float()
    )
    with torch.inference_mode():
        expected = network.features(photos).mean((2, 3)).numpy()
    assert np.linalg.norm(served - expected) < 0.02 * np.linalg.norm(expected)


def test_a_transformer_gives_maps_too_and_takes_its_own_size_only(tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = write_weights(tmp_path / "w.safetensors", timm.create_model("test_vit"))
    assert pooled(load_backbone(f"test_vit@{file}", size_px=160), 160).shape == (3, 64)
    with pytest.raises(BackboneError, match="takes photos of 160 px and no others") as caught:
        load_backbone(f"test_vit@{file}", size_px=224)
    assert caught.value.code == "fixed_size"


# --- What cannot be -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("resnett18", "Did you mean .*resnet18", "unknown_backbone"),
        ("torchvision/resnett18", "Did you mean torchvision/resnet18", "unknown_backbone"),
        ("torchvision/vit_b_16", "timm has the same network", "unsupported"),
        ("../../etc/passwd", "There is no backbone", "unknown_backbone"),
        ("resnet18@missing.safetensors", "There is no file", "no_backbone"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_to_do(name: str, words: str, code: str) -> None:
    with pytest.raises(BackboneError, match=words) as caught:
        load_backbone(name)
    assert caught.value.code == code


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_without_the_library_it_names_the_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm" if library == "timm" else "fieldmark.finetuning.vision", None)
    with pytest.raises(BackboneError, match=r"Install fieldmark\[architectures\]") as caught:
        load_backbone("resnet18" if library == "timm" else "torchvision/resnet18")
    assert caught.value.code == "not_installed"


def test_a_pickle_with_weights_is_refused_unopened(tmp_path: Path) -> None:
    network, file = timm.create_model("test_resnet"), tmp_path / "w.pth"
    for old in (False, True):
        torch.save(network.state_dict(), file, _use_new_zipfile_serialization=not old)
        with pytest.raises(BackboneError, match="is a pickle") as caught:
            load_backbone(f"test_resnet@{file}")
        assert caught.value.code == "foreign"


def test_damaged_weights_are_refused(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(BackboneError, match="cannot be read as safetensors"):
        load_backbone(f"test_resnet@{tmp_path / 'w.safetensors'}")


def test_weights_of_another_network_are_refused(weights: Path) -> None:
    with pytest.raises(BackboneError, match="These weights are not test_vit's") as caught:
        load_backbone(f"test_vit@{weights}")
    assert caught.value.code == "bad_weights"


# --- The hub ------------------------------------------------------------------------------------------------


class Hub(ThreadingHTTPServer):
    """Speaks as much of the hub's protocol as a download needs."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.content = content
        self.downloads = 0


class HubHandler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        if self.path != "/timm/test_resnet.r160_in1k/resolve/main/model.safetensors":
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = self.server.content
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.server.downloads += 1
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(weights: Path) -> Iterator[Hub]:
    server = Hub(weights.read_bytes())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


ASK = """
import sys
from fieldmark.backbones import load_backbone
from fieldmark.errors import BackboneError
for name in sys.argv[1:]:
    try:
        backbone = load_backbone(name, size_px=64)
        print("ok", backbone.arch.dim, backbone.arch.licence)
    except BackboneError as error:
        print(error.code, error)
"""


def ask(endpoint: str, home: Path, *names: str) -> list[str]:
    """What a process of its own, which has a hub at that address, says of each name."""
    environment = os.environ | {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "FIELDMARK_CACHE": str(home / "cache"),
        "PYTHONUTF8": "1",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, "-c", ASK, *names], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_weights_come_from_the_hub_once_and_never_as_a_pickle_and_later_from_this_machine(
    hub: Hub, tmp_path: Path
) -> None:
    """The hub has those of test_vit as a pickle only."""
    whole, pickled = ask(f"http://127.0.0.1:{hub.server_port}", tmp_path, "test_resnet", "test_vit")
    assert whole == "ok 96 apache-2.0"
    assert pickled.startswith("no_weights timm/test_vit")
    assert hub.downloads == 1
    there, missing = ask("http://127.0.0.1:9", tmp_path, "test_resnet", "test_vit")  # without the hub
    assert there == "ok 96 apache-2.0"
    assert missing.startswith("hub The weights of test_vit are not on this machine, and could not be fetched")
    assert "--arch test_vit@FILE.safetensors" in missing
    assert hub.downloads == 1

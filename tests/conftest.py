"""What tests of every floor share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow, and no fault: time is measured under tests/bench.
settings.register_profile("fieldmark", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fieldmark")

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def cat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model file that tells cats and dogs apart, made without a photo."""
    from fieldmark.pretrained import build_pretrained

    path = tmp_path_factory.mktemp("model") / "cats.onnx"
    cats = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
    build_pretrained({"cat": cats, "dog": ("beagle", "pug", "golden retriever")}, path, rest="no animal")
    return path


@pytest.fixture(scope="session")
def shared_photos() -> Path:
    """Real photos, where this machine has them."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared/data on this machine")
    return SHARED

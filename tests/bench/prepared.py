"""The cache of a machine that was set up, as `make app` leaves it, and has seen no photo yet: cold runs begin with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bytecode import as_installed


def set_up(cache: Path, *, demo: Path | None = None) -> Path:
    """Do in a new cache what is done once on a machine; gives the cache.

    Args:
        demo: where the demo model goes that is built on the way; beside the cache where None.
    """
    out = demo or cache.with_name(f"{cache.name}-demo.onnx")
    command = [sys.executable, "-m", "fieldmark", "pretrained", "--demo", "--out", str(out)]
    environment = {**as_installed(), "FIELDMARK_CACHE": str(cache)}
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return cache

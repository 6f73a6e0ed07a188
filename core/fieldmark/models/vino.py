"""OpenVINO, silent: `from fieldmark.models.vino import ov`.

Imported plainly, OpenVINO tells a statistics service on the internet that it was imported, and asks nobody.
Nothing leaves the machine here, so its reporter is made unimportable first; OpenVINO then uses the stub that
it ships for that case. This is the one place that imports openvino.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

# setdefault: whoever imported the reporter themselves meant to
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

# Nor is its converter of other formats loaded with it: that takes as long as all the rest of it.
CONVERTER = "openvino.tools.ovc"
_kept_out = CONVERTER not in sys.modules and "openvino" not in sys.modules
if _kept_out:
    sys.modules[CONVERTER] = None  # type: ignore[assignment]

import openvino as ov  # noqa: E402, TID251 - after the reporter is out of the way, that is the point

if _kept_out:  # whoever wants the converter has it by its own name, and as ov.convert_model too
    del sys.modules[CONVERTER]
    ov.__getattr__ = lambda name: _converter(name)


def _converter(name: str) -> Any:
    """Load what was kept out when it is asked for (PEP 562)."""
    if name != "convert_model":
        raise AttributeError(f"module 'openvino' has no attribute {name!r}")
    return import_module(CONVERTER).convert_model


__all__ = ["ov"]

"""OpenVINO, silent: `from fieldmark.vino import ov`.

Imported plainly, OpenVINO tells a statistics service on the internet that it was imported, and asks nobody.
Nothing leaves the machine here, so its reporter is made unimportable first; OpenVINO then uses the stub that
it ships for that case. This is the one place that imports openvino.
"""

from __future__ import annotations

import sys

# setdefault: whoever imported the reporter themselves meant to
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402, TID251 - after the reporter is out of the way, that is the point

__all__ = ["ov"]

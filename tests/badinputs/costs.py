"""What opening one file costs, measured in a fresh process: `python -m badinputs.costs FILE [NEED_PX]`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """What opening a file took."""

    code: str
    """Reason it was refused for; "accepted" otherwise."""
    seconds: float
    growth_mib: float
    """Peak memory beyond what an idle process takes, the file's own bytes included."""
    stderr: str
    """What was written there."""


def cost_of(data: bytes, folder: Path, need_px: int | None = 224) -> Cost:
    """Open a file in a process of its own."""
    path = folder / "costly"
    path.write_bytes(data)
    command = [
        sys.executable,
        "-m",
        "badinputs.costs",
        str(path),
        *([] if need_px is None else [str(need_px)]),
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    if done.returncode:
        raise RuntimeError(f"opening the file ended with {done.returncode}: {done.stderr[-2000:]}")
    return Cost(**json.loads(done.stdout), stderr=done.stderr)


def _peak_bytes() -> int:
    """Peak memory of this process alone; `ru_maxrss` would begin with the parent's."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _main(path: str, need_px: int | None) -> None:
    from badinputs.seeds import gradient
    from fieldmark.errors import BadImageError
    from fieldmark.images import encode_display, open_photo

    open_photo(encode_display(gradient()), need_px=8)
    before, start = _peak_bytes(), time.process_time()
    try:
        open_photo(path, need_px=need_px)
        code = "accepted"
    except BadImageError as error:
        code = error.code
    seconds, growth = time.process_time() - start, _peak_bytes() - before
    json.dump({"code": code, "seconds": seconds, "growth_mib": growth / MIB}, sys.stdout)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)

"""Run as a process of its own: reloads a model file and answers on the probes, in float32.

Reads the file's name from standard input as JSON and prints the probabilities as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fieldmark.errors import FieldmarkError
from fieldmark.predictor import Predictor


def main() -> int:
    """Check the file that standard input names."""
    name = json.loads(sys.stdin.readline() or '""')
    try:
        probs = Predictor.load(Path(name), precision="f32").probe()
    except FieldmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(probs.tolist()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

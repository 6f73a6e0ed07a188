"""A fresh process that reloads a model file and answers on the probes, in float32, before the file counts.

Run as a process of its own it reads the file's name from standard input as JSON and prints the probabilities as
JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldmark.errors import FieldmarkError, ModelFileError


class FreshCheck:
    """A fresh process that reloads the file; started early, so that its imports cost no waiting."""

    def __init__(self) -> None:
        """Start the process; it loads what it will need and waits for the file's name."""
        command = [sys.executable, "-m", "fieldmark.models.freshcheck"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self) -> FreshCheck:
        """Use it as a context: the process never outlives the training."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def probs(self, path: Path) -> npt.NDArray[np.float32]:
        """Give what the reloaded file answers on the probes, in float32.

        Raises:
            ModelFileError: it could not be loaded.
        """
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None and answers is not None
        with suppress(BrokenPipeError):  # it ended before it was asked, and says why below
            asked.write(json.dumps(str(path)) + "\n")
            asked.flush()
        answer = (
            answers.readline()
        )  # not to its end: the engine takes a tenth of a second to put its things away
        if not answer:
            _, err = self._process.communicate()
            reason = (err.strip().splitlines() or ["no reason given"])[-1]
            raise ModelFileError(f"The model was not saved: a fresh process could not load it ({reason}).")
        return np.array(json.loads(answer), np.float32)


def main() -> int:
    """Check the file that standard input names."""
    from fieldmark.models.engine import warm_up
    from fieldmark.predictor import Predictor

    warm_up()
    name = json.loads(sys.stdin.readline() or '""')
    try:
        probs = Predictor.load(Path(name), precision="f32", kept=False).probed
    except FieldmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(probs.tolist()) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The process that holds the model: `python -m fieldmark.service.modelworker MODEL.onnx...`.

It reads requests from its input, answers on its output, and ends with its input: nobody is left behind when the
server is killed. A model file that is replaced is taken up within seconds, once it has passed its self-test; the
one before answers meanwhile.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from fieldmark.errors import BadImageError, FieldmarkError, ModelFileError
from fieldmark.models.servedmodel import ServedModel, no_model
from fieldmark.prediction import Failure
from fieldmark.predictor import Predictor
from fieldmark.service.answer import ModelFacts, facts_record, map_record, result_record
from fieldmark.service.frames import Frame, FrameError, FrameWriter, read_frame

BATCHES_AT_ONCE = 4
"""Two are decoded while two are computed."""
LOOK_EVERY_S = 1.0
"""How often the model file is looked at."""


class ModelWorker:
    """Answers frames with the newest model."""

    def __init__(self, paths: tuple[Path, ...], output: BinaryIO) -> None:
        self._paths = paths
        self._out = FrameWriter(output)
        self._served: ServedModel | None = None
        self._problem: FieldmarkError = no_model(paths[-1])
        self._told = ""
        self._threads = ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="batch")

    def run(self, requests: BinaryIO) -> None:
        """Answer until the input ends."""
        self._look()
        threading.Thread(target=self._look_again, daemon=True).start()
        with suppress(FrameError):
            while True:
                self._threads.submit(self._answer, read_frame(requests))

    # --- The model ---

    def _look_again(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            with suppress(OSError, ValueError):  # the server has gone; the input ends as well
                self._look()

    def _look(self) -> None:
        """Take up a new file, and tell what answers now when that has changed."""
        try:
            if self._served is None:
                self._served = ServedModel(*self._paths)
            model = self._served.newest()
        except FieldmarkError as error:
            self._problem = error
            self._tell(f"{error.code} {error}", {"problem": {"code": error.code, "reason": str(error)}})
        else:
            facts = ModelFacts(model.sha256, model.vocab, model.card)
            self._tell(model.sha256, {"model": facts_record(facts)})

    def _tell(self, what: str, head: dict[str, object]) -> None:
        if what != self._told:
            self._told = what
            self._out.send(head)

    # --- Requests ---

    def _answer(self, frame: Frame) -> None:
        number = frame.head["id"]
        try:
            if self._served is None:
                raise self._problem
            self._out.send({"id": number, **_answers(self._served.current, frame)})
        except FieldmarkError as error:
            self._out.send({"id": number, "error": {"code": error.code, "reason": str(error)}})
        except Exception as error:  # one request must not end the process
            sys.excepthook(type(error), error, error.__traceback__)
            self._out.send({"id": number, "error": {"code": "failed", "reason": "The model failed."}})


def _answers(model: Predictor, frame: Frame) -> dict[str, object]:
    labels = [_known(model, label) for label in frame.head["maps"]]
    unexplained = [photo for photo, label in zip(frame.parts, labels, strict=True) if label is None]
    plain = iter(model.predict(unexplained, alone=False))
    answers = [
        result_record(next(plain)) if label is None else _with_map(model, photo, label)
        for photo, label in zip(frame.parts, labels, strict=True)
    ]
    return {"sha256": model.sha256, "answers": answers}


def _known(model: Predictor, label: str | None) -> str | None:
    """The label whose map is wanted; None for no map, also where there is no such class, as after a swap."""
    return label if not label or label in model.vocab else None


def _with_map(model: Predictor, photo: bytes, label: str) -> dict[str, object]:
    """The answer and where the model looked for a label, or for its answer where that is ""; in one pass."""
    try:
        prediction, activation = model.predict_and_explain(photo, label or None)
    except BadImageError as error:
        return result_record(Failure(error.code, str(error)))
    return {**result_record(prediction), "map": map_record(activation)}


def main() -> None:
    """Serve the pipe; whatever a library prints goes to the log, not among the frames."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this process
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if len(sys.argv) < 2:
        raise ModelFileError("Name at least one model file.")
    ModelWorker(tuple(map(Path, sys.argv[1:])), output).run(sys.stdin.buffer)
    os._exit(0)  # answers that nobody waits for are not finished


if __name__ == "__main__":
    main()

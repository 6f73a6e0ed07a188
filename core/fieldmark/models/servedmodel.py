"""The model of an app whose file may be replaced while visitors are there.

A new file is taken once it has passed its self-test, all at once; until then, and for good where it does not
pass, the model before it goes on answering.
"""

from __future__ import annotations

import logging
from pathlib import Path

from fieldmark.errors import ModelFileError
from fieldmark.predictor import Predictor

log = logging.getLogger("fieldmark.service")

Stamp = tuple[Path, int, int, int]
"""What tells a file from the one that was there before: path, time of change in ns, size, number on the disk."""


class ServedModel:
    """The first of several model files that is there, looked at again whenever it is asked for."""

    def __init__(self, *paths: Path) -> None:
        """Load it.

        Raises:
            ModelFileError: none is there (`no_model`), or the first that is there is refused.
        """
        self._paths = paths
        self._seen = self._look()
        if self._seen is None:
            raise no_model(paths[-1])
        self._model = Predictor.load(self._seen[0])

    @property
    def current(self) -> Predictor:
        """The model that answers now, without looking whether its file was replaced."""
        return self._model

    def newest(self) -> Predictor:
        """The model to answer with: a few microseconds, or the time of loading where the file was replaced."""
        stamp = self._look()
        if stamp is not None and stamp != self._seen:
            self._seen = stamp  # also where it is refused: it is not tried again for each photo
            self._replace(stamp[0])
        return self._model

    known = newest
    """The same for every photo: looking at the file costs nothing."""

    def _replace(self, path: Path) -> None:
        try:
            model = Predictor.load(path)
        except Exception as error:  # whatever is wrong with the new one, visitors get answers
            log.warning("The model before goes on answering, because %s was refused: %s", path, error)
        else:
            self._model = model
            log.info("%s is answering now (%s)", path, model.sha256[:12])

    def _look(self) -> Stamp | None:
        """The stamp of the first file that is there; taken before it is read, so that no change goes unseen."""
        for path in self._paths:
            try:
                found = path.stat()
            except OSError:
                continue
            return path, found.st_mtime_ns, found.st_size, found.st_ino
        return None


def no_model(path: Path) -> ModelFileError:
    """What to say where there is no model file."""
    return ModelFileError(
        f"{path} does not exist. Build the demo model with “fieldmark pretrained --demo”, train one on your own "
        f"photos with “fieldmark train PHOTOS --out {path.name}”, or name another file in FIELDMARK_MODEL. Then "
        "reload this page.",
        code="no_model",
    )

"""What can go wrong that a user can mend, as one tree.

FieldmarkError
├── BadImageError        a photo that is not accepted: `code` is one of images.REASONS
├── ArchiveError         a zip or tar that is not accepted
├── DatasetError         a folder, CSV, split or label that cannot be used
│   └── EmptyDatasetError    nothing left to train on
├── ModelFileError       a model file that is refused
├── VocabMismatchError   class names that do not fit each other
├── NotTrainedError      asked for what only a fitted learner has
├── BackboneError        a backbone whose weights cannot be had
├── CollectError         photos that cannot be fetched from elsewhere
├── ServiceError         the classifying service cannot answer just now
├── StoreError           a catalog or station that cannot be read or written
├── StationError         something a station does not allow
└── Cancelled            the user stopped the work; what was done so far is kept

Each carries `code` (a stable word for programs) and reads as one or two sentences: what was
wrong, what was expected, what to do. A programmer's mistake is a ValueError or TypeError instead.
"""

from __future__ import annotations


class FieldmarkError(Exception):
    """Base of every error that is shown to a user as a sentence."""

    code = "failed"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        """Keep the sentence and, where the class knows several kinds, the reason code."""
        super().__init__(message)
        self.code = code or type(self).code

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process."""
        return _rebuild, (type(self), str(self), self.code)


def _rebuild(kind: type[FieldmarkError], message: str, code: str) -> FieldmarkError:
    return kind(message, code=code)


class BadImageError(FieldmarkError):
    """A photo that is not accepted."""

    code = "bad_image"


class ArchiveError(FieldmarkError):
    """An archive that is not accepted; nothing of it was kept."""

    code = "bad_archive"


class DatasetError(FieldmarkError):
    """A folder, table, split or label that cannot be used as it is."""

    code = "bad_dataset"


class EmptyDatasetError(DatasetError):
    """Too few photos or classes to train on."""

    code = "empty_dataset"


class ModelFileError(FieldmarkError):
    """A model file that is refused."""

    code = "bad_model"


class VocabMismatchError(FieldmarkError):
    """Class names that do not fit each other."""

    code = "vocab_mismatch"


class NotTrainedError(FieldmarkError):
    """No weights were fitted or loaded."""

    code = "not_trained"


class BackboneError(FieldmarkError):
    """A backbone whose weights cannot be had here."""

    code = "no_backbone"


class StoreError(FieldmarkError):
    """A catalog that cannot be read or written."""

    code = "bad_store"


class CollectError(FieldmarkError):
    """Photos cannot be fetched from elsewhere, or not from there."""

    code = "cannot_collect"


class ServiceError(FieldmarkError):
    """The classifying service cannot answer just now."""

    code = "busy"


class StationError(FieldmarkError):
    """Something that a station does not allow, or does not know."""

    code = "station"


class Cancelled(FieldmarkError):  # noqa: N818 - it is an answer, not a fault
    """The user stopped the work."""

    code = "cancelled"

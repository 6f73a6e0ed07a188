"""What a visitor says against an answer: kept with consent, and taken back with one click. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass

from fieldmark.corrections import MAX_LABEL, Correction, CorrectionStore
from fieldmark.errors import FieldmarkError
from fieldmark.prediction import Failure
from fieldmark_widgets.classified import ClassifiedPhoto
from fieldmark_widgets.strings.classify import CORRECTION

MAX_OF_ONE_VISIT = 100
"""A page keeps so many, that one visitor does not fill the store."""


@dataclass(frozen=True)
class Said:
    """A visitor's answer to "what is it?", as a browser sends it."""

    label: str
    consent: bool

    @classmethod
    def from_message(cls, message: dict[str, object]) -> Said:
        """Read a message, which may hold anything; only a true `consent` is one."""
        label = message.get("said")
        return cls(label.strip() if isinstance(label, str) else "", message.get("consent") is True)


class Corrector:
    """Keeps the corrections of one visit."""

    def __init__(self, store: CorrectionStore) -> None:
        self._store = store
        self._kept: dict[int, Correction] = {}

    def keep(self, photo: ClassifiedPhoto, said: Said) -> Correction:
        """Keep what is shown of a photo, and what it is said to be; in the place of what was said before.

        Raises:
            FieldmarkError: nothing was said, or agreed to; too many; the store is full or cannot be written.
        """
        if not said.consent:
            raise FieldmarkError(CORRECTION["no_consent"], code="no_consent")
        if (
            not 0 < len(said.label) <= MAX_LABEL
            or photo.picture is None
            or isinstance(photo.prediction, Failure)
        ):
            raise FieldmarkError(CORRECTION["no_label"].format(limit=MAX_LABEL), code="no_label")
        if len(self._kept) >= MAX_OF_ONE_VISIT:
            raise FieldmarkError(CORRECTION["too_many"].format(limit=MAX_OF_ONE_VISIT), code="too_many")
        self.take_back(photo)
        answer = photo.prediction
        self._kept[photo.key] = self._store.add(
            photo.picture.jpeg,
            answered=answer.label,
            prob=answer.prob,
            verdict=answer.verdict,
            said=said.label,
            model=str(getattr(photo.model, "sha256", ""))[:12],
        )
        return self._kept[photo.key]

    def take_back(self, photo: ClassifiedPhoto) -> None:
        """Forget what was said about a photo, and the photo."""
        kept = self._kept.pop(photo.key, None)
        if kept is not None:
            self._store.remove(kept.id)

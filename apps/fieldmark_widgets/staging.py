"""The decisions that wait in a catalog, with "take back what I did last".

The catalog holds them, nothing else does: another page sees them, and a killed kernel loses none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fieldmark.catalog import Catalog, decisions
from fieldmark.catalog.decisions import Decision, StagedDecision
from fieldmark.catalog.schema import FILE_NAME, HIDDEN


@dataclass(frozen=True)
class _Move:
    """One thing somebody did: for each photo the decision before and after, None where there was none."""

    before: Mapping[int, Decision | None]
    after: Mapping[int, Decision | None]


class Staging:
    """Stages decisions of one person; `decisions` is what waits, as it was read last."""

    def __init__(self, catalog: Catalog, who: str) -> None:
        """Read what waits."""
        self.root, self.catalog, self._who = catalog.root, catalog, who
        self._moves: list[_Move] = []
        self.decisions: dict[int, StagedDecision] = {}
        """By photo, in the order of deciding."""
        self.read()

    def written_ns(self) -> int:
        """When the catalog was written last, by whomever."""
        return (self.root / HIDDEN / FILE_NAME).stat().st_mtime_ns

    def read(self) -> None:
        """See what others have decided meanwhile."""
        self.decisions = {waiting.photo_id: waiting for waiting in self.catalog.staged()}

    def decide(self, wanted: Mapping[int, Decision]) -> list[StagedDecision]:
        """Stage a decision for each photo, by id; give what others decided in between and is replaced now.

        Raises:
            KeyError: there is no such photo.
            StoreError: the catalog cannot be written; what was staged before stays.
        """
        replaced = self.catalog.stage_all(wanted, who=self._who)
        before = {photo_id: was.decision if (was := replaced.get(photo_id)) else None for photo_id in wanted}
        surprises = [was for photo_id, was in replaced.items() if was != self.decisions.get(photo_id)]
        self.read()
        self._moves.append(_Move(before, {photo_id: self._now(photo_id) for photo_id in wanted}))
        return surprises

    def take_back(self, photo_ids: Sequence[int]) -> list[int]:
        """Let photos wait for nothing any more, and give those that waited."""
        self.read()
        waiting = [photo_id for photo_id in photo_ids if photo_id in self.decisions]
        if not waiting:
            return waiting
        before = {photo_id: self.decisions[photo_id].decision for photo_id in waiting}
        self.catalog.unstage(waiting)
        self._moves.append(_Move(before, dict.fromkeys(waiting)))
        self.read()
        return waiting

    def undo_last(self) -> list[int]:
        """Undo the last of these, and give its photos; what somebody decided anew since is left.

        A new kernel does not know what it was: then the latest decision of the same person is taken back.
        """
        self.read()
        if not self._moves:
            return self._take_back_latest()
        move = self._moves.pop()
        mine = [photo_id for photo_id, after in move.after.items() if self._stands(photo_id, after)]
        again = {photo_id: before for photo_id in mine if (before := move.before[photo_id]) is not None}
        self.catalog.stage_all(again, who=self._who)
        self.catalog.unstage([photo_id for photo_id in mine if move.before[photo_id] is None])
        self.read()
        return mine

    def forget_moves(self) -> None:
        """Nothing is left to undo, because the decisions were applied."""
        self._moves.clear()
        self.read()

    def _stands(self, photo_id: int, after: Decision | None) -> bool:
        """Whether nobody has decided anew since."""
        waiting = self.decisions.get(photo_id)
        return self._now(photo_id) == after and (waiting is None or waiting.who == self._who)

    def _now(self, photo_id: int) -> Decision | None:
        waiting = self.decisions.get(photo_id)
        return waiting.decision if waiting else None

    def _take_back_latest(self) -> list[int]:
        own = [photo_id for photo_id, waiting in self.decisions.items() if waiting.who == self._who]
        self.catalog.unstage(own[-1:])
        self.read()
        return own[-1:]


def as_told(what: object, to: object) -> Decision | None:
    """The decision that a page asks for; None for anything else.

    Raises:
        DatasetError: the label is empty.
    """
    if what == "relabel" and isinstance(to, str):
        return decisions.relabel(to.strip())
    return {"keep": decisions.keep, "delete": decisions.delete, "unsure": decisions.unsure}.get(str(what))

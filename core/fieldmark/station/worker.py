"""The worker: one process that takes in, predicts, applies the rules and sends; the store's only writer.

Every step can be killed anywhere and goes on from what the store holds. A full disk or a locked store pauses a step,
says so on the dashboard (its beat), and the next round tries again: no restart is needed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from fieldmark.errors import FieldmarkError, StationError, StoreError
from fieldmark.modelfile import read_model_file
from fieldmark.predictor import Predictor
from fieldmark.station.card import read_file
from fieldmark.station.channels import channels_of
from fieldmark.station.clock import Clock, utc_now
from fieldmark.station.desk import Desk
from fieldmark.station.door import open_door
from fieldmark.station.firstlook import first_look, waits_for_a_look
from fieldmark.station.housekeeping import Housekeeping
from fieldmark.station.ingest import Arrival, Came, Enter, Ingest
from fieldmark.station.media import Media
from fieldmark.station.notices import note_silences, send_notices
from fieldmark.station.outbox import send_due
from fieldmark.station.rules import Rules
from fieldmark.station.scoring import Scorer
from fieldmark.station.silence import note_away
from fieldmark.station.spool import Dropped, Spool
from fieldmark.station.stations import CHAMPION, MODELS, SHADOW, camera_named, enter_model, the_station
from fieldmark.station.store import MEDIA, Store
from fieldmark.station.tables import Beat, Model

log = logging.getLogger("fieldmark.station")

RESERVE, RESERVE_BYTES = "reserve", 8 * 1024 * 1024
"""A file that is given up when the disk is full: deleting and journals need space, too."""
SPOOL, REFUSED = "spool", "refused"
PAUSE_S = 1.0
TAKE_S = 2.0
"""After so long the files that came are predicted, and the rest is taken in the next round."""
SLICE = 16
"""Files read side by side and entered together, before the clock is looked at; of 12 megapixels they are some 80 MB."""
BEAT_S = 5.0
"""Seconds between two signs of life, as each has to reach the disk."""


@dataclass
class Round:
    """What one round of the worker did."""

    new: int = 0
    duplicates: int = 0
    rejected: int = 0
    scored: int = 0
    looked: int = 0
    """Events looked at without a model, where the worker has none."""
    sent: int = 0
    notices: int = 0
    """Words about a camera that fell silent, or is heard again."""
    left: int = 0
    """Files that wait in the spool for the next round."""
    faults: dict[str, str] = field(default_factory=dict)
    """Step → why it is paused."""

    def plus(self, later: Round) -> Round:
        """Add what a later round did."""
        counts = {name: getattr(self, name) + getattr(later, name) for name in COUNTS}
        return Round(**counts, left=later.left, faults=later.faults)


COUNTS = ("new", "duplicates", "rejected", "scored", "looked", "sent", "notices")


class Worker:
    """Runs a station's store. Use inside `only_writer`."""

    def __init__(
        self,
        store: Store,
        *,
        models: tuple[Predictor, ...] = (),
        clock: Clock = utc_now,
        beats: Clock | None = None,
        still_s: float = 2.0,
    ) -> None:
        """Work in the store's folder, whose spool is there, with loaded models: the first champion, others in its shadow.

        Without a model every event gets the first look that needs none.

        Args:
            beats: the clock by which it says that it lives, where `clock` is one that is played.
        """
        self.store, self.clock, self.beats = store, clock, beats or clock
        self._beaten: tuple[datetime, str] | None = None
        self.media = Media(store.folder / MEDIA)
        self.house = Housekeeping(store, self.media)
        self.spool = Spool(store.folder / SPOOL, still_s=still_s)
        self.ingest = Ingest(store, self.media, clock=clock)
        with store.writing() as session:
            note_away(session, now=self.beats())
        self._predictors = {predictor.sha256: predictor for predictor in models}
        self.scorers = [self._scorer(predictor, i) for i, predictor in enumerate(models)]
        self._roles = self._read_roles()

    def run(self, stop: threading.Event, *, told: Callable[[Round], None] = lambda _round: None) -> None:
        """Work until `stop` is set; `told` hears of each round that did something."""
        self.spool.start()
        try:
            with open_door(self.store, self.ingest, Desk(self.store, clock=self.clock)):
                while not stop.is_set():
                    done = self.round()
                    if done != Round():
                        told(done)
                    if not done.left:
                        self.spool.wait(PAUSE_S)
        finally:
            self.spool.stop()

    def round(self) -> Round:
        """Take in, score, send: each as far as it can; a fault in one step holds up no other."""
        done = Round()
        steps: Sequence[tuple[str, Callable[[Round], None]]] = (
            ("models", self._follow_models),
            ("ingest", self._take_in),
            ("score", self._score),
            ("cameras", self._listen),
            ("send", self._send),
            ("retention", lambda _: self.house.drop_expired(self.clock())),
            ("audit log", lambda _: self.house.check_log(self.clock())),
        )
        for name, step in steps:
            try:
                step(done)
            except FieldmarkError as error:
                if error.code == "no_station":
                    raise
                done.faults[name] = str(error)
                log.warning("%s pauses: %s", name, error)
                self._make_room(error)
        self._beat(done)
        return done

    def _read_roles(self) -> dict[str, str]:
        """Which models answer here, by their SHA-256: the champion first, then its shadows."""
        with self.store.reading() as session:
            rows = session.execute(
                select(Model.sha256, Model.role)
                .where(Model.role.in_((CHAMPION, SHADOW)))
                .order_by(Model.role, Model.id)
            )
            return {str(sha256): str(role) for sha256, role in rows}

    def _follow_models(self, _done: Round) -> None:
        """Let those answer that people decided on meanwhile: a new shadow, or a shadow that is the champion now.

        Only what changed since the start is followed, because a worker may be told to run with other models.
        """
        roles = self._read_roles()
        if roles == self._roles:
            return
        for sha256 in set(roles) - set(self._predictors):
            path = self.store.folder / MODELS / f"{sha256}.onnx"
            if path.is_file():
                self._predictors[sha256] = Predictor(read_model_file(path))
        self._predictors = {sha: self._predictors[sha] for sha in roles if sha in self._predictors}
        self.scorers = [self._scorer(predictor, i) for i, predictor in enumerate(self._predictors.values())]
        self._roles = roles

    def _take_in(self, done: Round) -> None:
        """Take files in: read side by side, entered in their order."""
        files, begin = self.spool.whole(), time.monotonic()
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="ingest") as pool:
            for start in range(0, len(files), SLICE):
                part = files[start : start + SLICE]
                self._take_slice(part, pool, done)
                if time.monotonic() - begin > TAKE_S:
                    done.left = len(files) - start - len(part)
                    return

    def _take_slice(self, part: Sequence[Dropped], pool: ThreadPoolExecutor, done: Round) -> None:
        with self.store.writing() as session:
            station = the_station(session)
            names = dict.fromkeys(dropped.camera for dropped in part)
            cameras = {name: camera_named(session, station, name, now=self.clock()).id for name in names}
        comes = [self._came(dropped, cameras[dropped.camera]) for dropped in part]
        found = list(pool.map(self._read, part, comes))
        for error in found:
            if isinstance(error, StationError):
                done.faults["video"] = str(error)  # it stays in the spool until the package is there
        reads = [read for read in found if isinstance(read, tuple)]
        arrivals = self.ingest.enter([enter for _, enter in reads])
        for (dropped, _), arrival in zip(reads, arrivals, strict=True):
            self._let_go(dropped, arrival, done)

    def _came(self, dropped: Dropped, camera_id: int) -> Came:
        name = dropped.path.relative_to(self.spool.folder).as_posix()
        return self.ingest.came(camera_id, name, "spool")

    def _read(self, dropped: Dropped, came: Came) -> tuple[Dropped, Enter] | StationError | None:
        """Read a file; None where that cannot be yet, the error where it waits for a package."""
        try:
            return dropped, read_file(self.ingest, dropped.path, came)
        except OSError:
            return None  # still being written, or gone: the next round looks again
        except StationError as error:
            return error

    def _let_go(self, dropped: Dropped, arrival: Arrival, done: Round) -> None:
        """Count what became of a file; it leaves the spool only once it is kept."""
        if arrival.status == "rejected":
            done.rejected += 1
            self._put_aside(dropped)
            return
        done.new += arrival.status == "new"
        done.duplicates += arrival.status == "duplicate"
        dropped.path.unlink(missing_ok=True)

    def _put_aside(self, dropped: Dropped) -> None:
        """Keep what was refused where somebody can look at it."""
        target = self.store.folder / REFUSED / dropped.camera
        target.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            dropped.path.replace(target / dropped.path.name)

    def _score(self, done: Round) -> None:
        for scorer in self.scorers:
            done.scored += scorer.score_new()
        if not self.scorers and waits_for_a_look(self.store):
            done.looked = len(first_look(self.store, only_new=True))

    def _listen(self, done: Round) -> None:
        """Note which cameras are silent; not while files wait that may be of one of them."""
        if not done.left and "ingest" not in done.faults:
            note_silences(self.store, now=self.clock())

    def _send(self, done: Round) -> None:
        with self.store.reading() as session:
            rules = Rules.from_dict(the_station(session).rules)
        channels = channels_of(rules.channels)
        done.sent += send_due(self.store, channels, rules, clock=self.clock)
        done.notices += send_notices(self.store, channels, rules, clock=self.clock)

    def _beat(self, done: Round) -> None:
        """Say that the worker lives, and what holds it up."""
        note, now = " ".join(done.faults.values()), self.beats()
        is_lately = self._beaten is not None and timedelta(0) <= now - self._beaten[0] < timedelta(
            seconds=BEAT_S
        )
        if is_lately and self._beaten is not None and self._beaten[1] == note:
            return
        self._beaten = (now, note)
        with contextlib.suppress(StoreError), self.store.writing() as session:
            session.merge(Beat(name="worker", at=now, note=note))
        if not done.faults:
            self._keep_reserve()

    def _make_room(self, error: FieldmarkError) -> None:
        if isinstance(error, StoreError) and error.code == "disk_full":
            (self.store.folder / RESERVE).unlink(missing_ok=True)

    def _keep_reserve(self) -> None:
        reserve = self.store.folder / RESERVE
        if not reserve.exists():
            with contextlib.suppress(OSError):
                reserve.write_bytes(bytes(RESERVE_BYTES))

    def _scorer(self, predictor: Predictor, place: int) -> Scorer:
        role = CHAMPION if place == 0 else SHADOW
        with self.store.writing() as session:
            known = session.scalar(select(Model).where(Model.sha256 == predictor.sha256))
            model = known or enter_model(session, predictor, role=role, who="worker", now=self.clock())
        return Scorer(
            self.store,
            self.media,
            predictor,
            model.id,
            is_champion=model.role == CHAMPION,
            clock=self.clock,
            smalls=self.ingest.smalls,
        )


def load_models(paths: tuple[Path, ...]) -> tuple[Predictor, ...]:
    """Load model files in the order given; raises ModelFileError as `Predictor.load`."""
    return tuple(Predictor(read_model_file(path)) for path in paths)

"""A station in a folder, with a clock that the tests set and a model that knows cats."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import chelsea, gravel
from sqlalchemy import select

from fieldmark.predictor import Predictor
from fieldmark.station.rules import Rules
from fieldmark.station.stations import add_station
from fieldmark.station.store import Store, open_store
from fieldmark.station.tables import Event
from fieldmark.station.worker import Worker

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
RULES = Rules(alarm=("cat",), blank=("nothing",), alarm_min=0.5)


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(autouse=True)
def one_round_takes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: what is left for the next round depends on its speed."""
    monkeypatch.setattr("fieldmark.station.worker.TAKE_S", 300.0)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tmp_path: Path, clock: SetClock) -> Iterator[Store]:
    opened = open_store(tmp_path / "station", create=True)
    with opened.writing() as session:
        add_station(session, "Lake Camp", zone="Europe/Oslo", rules=RULES, now=clock())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def cat_predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    from fieldmark.pretrained import build_pretrained

    path = tmp_path_factory.mktemp("station-model") / "cats.onnx"
    cats = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
    build_pretrained({"cat": cats}, path, rest="nothing")
    return Predictor.load(path)


@pytest.fixture
def worker(store: Store, clock: SetClock, cat_predictor: Predictor) -> Worker:
    return Worker(store, models=(cat_predictor,), clock=clock, still_s=0)


def picture(kind: str, *, number: int = 0, taken: datetime | None = None) -> bytes:
    """A cat or gravel, each number another file, with the time at which it was taken."""
    image = Image.fromarray(chelsea() if kind == "cat" else gravel()).convert("RGB")
    image = image.crop((number, number, image.width, image.height))
    exif = Image.Exif()
    if taken is not None:
        exif[0x0132] = taken.strftime("%Y:%m:%d %H:%M:%S")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


@pytest.fixture
def drop(worker: Worker) -> Callable[..., None]:
    """Put pictures into the spool, and let the worker go round once."""

    def dropped(*pictures: bytes, camera: str = "north") -> None:
        folder = worker.spool.folder / camera
        folder.mkdir(parents=True, exist_ok=True)
        for data in pictures:
            number = len(list(folder.iterdir()))
            (folder / f"{number:04}-{abs(hash(data)):x}.jpg").write_bytes(data)
        worker.round()

    return dropped


def events(store: Store) -> list[Event]:
    with store.reading() as session:
        return list(session.scalars(select(Event).order_by(Event.id)))

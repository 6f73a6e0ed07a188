"""What widget tests stand on: messages as the browser sends them, and no swallowed exception."""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import comm
import pytest
from PIL import Image
from skimage.data import chelsea

from fieldmark.importing import import_photos
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark.sources.sample import write_sample
from fieldmark_widgets.cleaner import Cleaner
from widgets.cleaners import open_cleaner
from widgets.messages import RecordingComm


@pytest.fixture(autouse=True)
def _browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", RecordingComm)


@pytest.fixture(autouse=True)
def _no_exception_is_swallowed(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """ipywidgets logs what a callback raises, and the guard what nobody foresaw: neither may pass unseen."""
    yield
    if "expects_unexpected" in request.fixturenames:
        return
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    assert [r.getMessage() for r in records if r.levelno >= logging.ERROR or r.exc_info] == []


@pytest.fixture
def expects_unexpected() -> None:
    """Asked for by a test that makes such an error on purpose."""


@pytest.fixture(scope="session")
def cat_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def make_jpeg() -> Callable[..., bytes]:
    """A photo of one colour."""

    def make(colour: tuple[int, int, int] = (200, 120, 40), size: tuple[int, int] = (64, 48)) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", size, colour).save(buffer, "JPEG")
        return buffer.getvalue()

    return make


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with its five wrong labels, imported once; copy it to use it."""
    folder = tmp_path_factory.mktemp("sample")
    import_photos(write_sample(folder / "photos"), folder / "dataset", who="teacher")
    return folder / "dataset"


@pytest.fixture(scope="session")
def trained(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, trained once by `learner`; copy it to change it."""
    return Path(shutil.copytree(imported, tmp_path_factory.mktemp("trained") / "dataset"))


@pytest.fixture(scope="session")
def learner(trained: Path) -> Learner:
    """Fitted once: what a project of the same photos has after a training in its own kernel."""
    return Project.open(trained).fit()


@pytest.fixture
def root(trained: Path, learner: Learner, tmp_path: Path) -> Path:
    """A copy, to change, of what was trained."""
    return Path(shutil.copytree(trained, tmp_path / "dataset"))


@pytest.fixture
def cleaner(root: Path, learner: Learner) -> Iterator[Cleaner]:
    cleaner = open_cleaner(root, learner=learner)
    yield cleaner
    cleaner.close()
    cleaner.workspace.close()

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import httpx
import pytest

from fieldmark.predictor import Failure, Predictor
from fieldmark.pretrained import build_pretrained
from fieldmark.service.client import RemoteService
from fieldmark_widgets.classified import classify
from fieldmark_widgets.shelf import InMemory
from fieldmark_widgets.transfer import Upload
from server.conftest import TOKEN
from server.running import RunningServer, run_server, wait_for_model


@pytest.fixture
def service(server: RunningServer, api: httpx.Client) -> RemoteService:
    """The server's model, as its kernels ask it."""
    return RemoteService(str(api.base_url).rstrip("/"), TOKEN)


def test_the_answer_and_its_map_come_in_one_request(
    service: RemoteService, cat_model: Path, cat_jpeg: bytes, api: httpx.Client
) -> None:
    model, predictor = service.newest(), Predictor.load(cat_model)
    result, drawn = model.predict_and_explain(cat_jpeg)
    assert [result] == model.predict([cat_jpeg]) == predictor.predict([cat_jpeg])
    assert drawn is not None
    assert abs(drawn.values - predictor.explain(cat_jpeg).values).max() < 0.002
    failure, nothing = model.predict_and_explain(b"no photo")
    assert (isinstance(failure, Failure), nothing) == (True, None)


def test_one_connection_serves_all_questions_and_is_made_anew_where_the_server_has_ended_it(
    service: RemoteService, cat_jpeg: bytes
) -> None:
    service.newest().predict([cat_jpeg] * 3)
    (connection,) = service._idle
    connection.sock.shutdown(socket.SHUT_RDWR)
    assert not isinstance(service.known().predict([cat_jpeg])[0], Failure)
    assert list(service._idle) != [connection]


def test_a_photo_is_shown_with_the_model_that_answered_though_nobody_asked_which_one_does(
    cat_model: Path, cat_jpeg: bytes, tmp_path: Path
) -> None:
    path = Path(shutil.copy(cat_model, tmp_path / "served.onnx"))
    build_pretrained({"coffee": ("espresso",)}, tmp_path / "new.onnx", rest="no coffee", title="Coffee")
    with (
        run_server(path, api_token=TOKEN) as server,
        httpx.Client(
            base_url=f"{server.url}/fieldmark/api/v1", headers={"Authorization": f"Bearer {TOKEN}"}
        ) as api,
    ):
        wait_for_model(api)
        service = RemoteService(str(api.base_url).rstrip("/"), TOKEN)
        before = service.newest()
        assert service.known() is before
        (tmp_path / "new.onnx").replace(path)
        while api.get("/ready").json()["model_sha256"] == before.sha256:
            pass
        photo, drawn = classify(service.known, Upload("cat.jpg", cat_jpeg), InMemory, with_map=True)
    assert not isinstance(photo.prediction, Failure)
    assert (photo.prediction.label, photo.model.card.title) == ("no coffee", "Coffee")  # type: ignore[attr-defined]
    assert drawn is not None

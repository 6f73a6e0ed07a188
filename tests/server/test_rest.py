"""The REST API: what it answers, and what it says to whoever sends nonsense (FAULTS H42, H44, H50)."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from fieldmark.predictor import Prediction, Predictor
from fieldmark.service.answer import facts_record
from fieldmark_server.photobody import MAX_FILES, shown_name
from server.running import RunningServer

RAW = {"Content-Type": "image/jpeg"}


def error_of(answer: httpx.Response) -> dict[str, str]:
    """The error of an answer, whose shape is always the same."""
    content: dict[str, dict[str, str]] = answer.json()
    assert content.keys() == {"error"}
    assert content["error"].keys() == {"code", "reason", "request_id"}
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Request-ID"] == content["error"]["request_id"]
    assert "Traceback" not in answer.text
    return content["error"]


def test_the_bytes_of_a_photo_get_the_predictors_answer(
    api: httpx.Client, cat_jpeg: bytes, cat_model: Path
) -> None:
    answer = api.post("/classify", params={"name": "a cat.jpg"}, content=cat_jpeg, headers=RAW)
    predictor = Predictor.load(cat_model)
    (expected,) = predictor.predict([cat_jpeg])
    assert isinstance(expected, Prediction)
    assert answer.status_code == 200
    content = answer.json()
    (result,) = content["results"]
    assert content["model_sha256"] == predictor.sha256
    assert (result["name"], result["label"], result["verdict"]) == ("a cat.jpg", "cat", expected.verdict)
    assert result["probs"] == pytest.approx(dict(expected.probs))


def test_several_files_are_answered_in_their_order_and_a_bad_one_in_its_place(
    api: httpx.Client, cat_jpeg: bytes
) -> None:
    files = [
        ("files", ("1.jpg", cat_jpeg)),
        ("files", ("2.jpg", b"no photo")),
        ("files", ("3.jpg", cat_jpeg)),
    ]
    results = api.post("/classify", files=files).json()["results"]
    assert [result["name"] for result in results] == ["1.jpg", "2.jpg", "3.jpg"]
    assert results[1]["failure"]["code"] == "not_an_image"
    assert results[0]["label"] == results[2]["label"] == "cat"


def test_top_k_leaves_the_likeliest(api: httpx.Client, cat_jpeg: bytes) -> None:
    (result,) = api.post("/classify", params={"top_k": 2}, content=cat_jpeg, headers=RAW).json()["results"]
    assert len(result["probs"]) == 2
    assert next(iter(result["probs"])) == "cat"


def test_a_map_shows_where_the_model_looked(api: httpx.Client, cat_jpeg: bytes) -> None:
    for parameters in ({"map": "true"}, {"map": "true", "label": "dog"}):
        (result,) = api.post("/classify", params=parameters, content=cat_jpeg, headers=RAW).json()["results"]
        assert len(result["map"]["region"]) == 4
        assert 0 <= max(map(max, result["map"]["values"])) <= 1


def test_the_models_are_described(api: httpx.Client, cat_model: Path) -> None:
    predictor = Predictor.load(cat_model)
    (model,) = api.get("/models").json()["models"]
    assert model["sha256"] == predictor.sha256
    assert model["vocab"] == list(predictor.vocab)
    assert model["card"] == json.loads(json.dumps(facts_record(predictor)["card"]))  # type: ignore[arg-type]


def test_ready_tells_the_model_and_the_queue(api: httpx.Client, cat_model: Path) -> None:
    state = api.get("/ready").json()
    assert (state["ready"], state["model_sha256"]) == (True, Predictor.load(cat_model).sha256)
    assert state["waiting"] <= state["waiting_max"]


def test_metrics_count_what_was_answered(api: httpx.Client, cat_jpeg: bytes) -> None:
    def answered() -> int:
        found = re.search(r"^fieldmark_photos_answered_total (\d+)$", api.get("/metrics").text, re.M)
        assert found is not None
        return int(found[1])

    before = answered()
    while api.post("/classify", content=cat_jpeg, headers=RAW).status_code == 503:  # the machine is busy
        time.sleep(1)
    assert answered() == before + 1
    assert api.get("/metrics").headers["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    "query",
    ["top_k=-1", "top_k=0", "top_k=1e9", "top_k=x", "top_k=999999999999", "top_k=%00", "map=2", "map=yes",
     "unknown=1", "top_k=1&top_k=2", "name=%ff", "top_k=²"],
)  # fmt: skip
def test_a_parameter_that_cannot_be_meant_is_refused_with_a_reason(
    query: str, api: httpx.Client, cat_jpeg: bytes
) -> None:
    answer = api.post(f"/classify?{query}", content=cat_jpeg, headers=RAW)
    assert (answer.status_code, error_of(answer)["code"]) == (400, "bad_parameter")


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "", "x", "multipart/mixed; boundary=x"])
def test_a_wrong_content_type_is_refused(kind: str, api: httpx.Client, cat_jpeg: bytes) -> None:
    answer = api.post("/classify", content=cat_jpeg, headers={"Content-Type": kind})
    assert (answer.status_code, error_of(answer)["code"]) == (415, "wrong_content_type")


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("multipart/form-data", b"x", "bad_form"),
        ("multipart/form-data; boundary=", b"x", "bad_form"),
        ("multipart/form-data; boundary=b", b"no form at all", "bad_form"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", "no_file"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n', "no_file"),
        ("multipart/form-data; boundary=b", b"--b\r\nno header\r\n\r\nx\r\n--b--\r\n", "bad_form"),
    ],
)  # fmt: skip
def test_a_damaged_form_is_refused_with_a_reason(
    content_type: str, body: bytes, code: str, api: httpx.Client
) -> None:
    answer = api.post("/classify", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, error_of(answer)["code"]) == (400, code)


def test_a_hundred_and_one_files_are_refused(api: httpx.Client) -> None:
    files = [("files", (f"{n}.jpg", b"x")) for n in range(MAX_FILES + 1)]
    answer = api.post("/classify", files=files)
    assert (answer.status_code, error_of(answer)["code"]) == (400, "too_many_files")
    assert len(api.post("/classify", files=files[1:]).json()["results"]) == MAX_FILES


def test_a_file_name_cannot_be_a_path_or_a_header(api: httpx.Client, cat_jpeg: bytes) -> None:
    names = ["../../etc/passwd", "C:\\x\\y.jpg", "a\r\nSet-Cookie: x=1.jpg", "\u202egpj.exe", "x" * 999]
    for name in names:
        answer = api.post("/classify", files=[("files", (name, cat_jpeg))])
        (result,) = answer.json()["results"]
        assert result["name"] == shown_name(result["name"])
        assert not re.search(r"[/\\\r\n\u202e]", result["name"])
        assert len(result["name"]) <= 200
        assert "set-cookie" not in answer.headers


def test_a_body_over_the_limit_is_refused_however_it_comes(api: httpx.Client) -> None:
    def endless() -> Any:
        for _ in range(66):
            yield bytes(2**20)

    for body in (bytes(65 * 2**20), endless()):
        answer = api.post("/classify", content=body, headers=RAW)
        assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large")


@pytest.mark.parametrize(("method", "path"), [("GET", "/classify"), ("PUT", "/models"), ("DELETE", "/live")])
def test_a_method_that_is_not_taken_is_refused(method: str, path: str, api: httpx.Client) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, error_of(answer)["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/", "/nothing", "/classify/x", "/models/../ready%00"])
def test_an_address_that_is_not_there_is_json_too(path: str, api: httpx.Client) -> None:
    answer = api.get(path)
    assert (answer.status_code, error_of(answer)["code"]) == (404, "not_found")


def test_the_document_names_exactly_the_routes_there_are(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert {"/classify", "/models", "/live", "/ready", "/metrics", "/openapi.json"} <= document[
        "paths"
    ].keys()
    for path, methods in document["paths"].items():
        known = re.sub(r"\{\w+\}", "0" * 12, path)
        for method in ("get", "post", "delete"):
            status = api.request(method, known).status_code
            assert (status != 405) == (method in methods), (method, path, status)


def test_nobody_reads_a_traceback_or_the_servers_folders(api: httpx.Client, server: RunningServer) -> None:
    for answer in (api.get("/nothing"), api.post("/classify", content=b"", headers=RAW)):
        assert str(Path(__file__).parents[2]) not in answer.text

"""One worker process for everybody: what it answers, refuses and survives. The worker is the real one."""

from __future__ import annotations

import io
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from PIL import Image
from skimage.data import chelsea

from fieldmark.errors import FieldmarkError, ModelFileError, ServiceError
from fieldmark.predictor import Failure, Predictor
from fieldmark.pretrained import build_pretrained
from fieldmark.service.answer import Answer
from fieldmark.service.service import Service, ServiceLimits
from fieldmark.service.waiting import Item, WaitingRoom


@pytest.fixture(scope="module")
def cat_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG")
    return buffer.getvalue()


@contextmanager
def serving(*models: Path, **limits: float) -> Iterator[Service]:
    service = Service(*models, limits=ServiceLimits(**limits))  # type: ignore[arg-type]
    service.start()
    try:
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="module")
def service(cat_model: Path) -> Iterator[Service]:
    with serving(cat_model) as running:
        running.model(30)
        yield running


def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def slowness() -> float:
    """How much slower than an idle one this machine is: a claim in seconds is one about an idle one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)) if hasattr(os, "getloadavg") else 2.0


def kill_worker(service: Service) -> int:
    """Kill the worker, as the system does where memory is short; gives the process it was."""
    pid = service.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    return pid


def test_the_service_answers_as_the_predictor_does(
    service: Service, cat_model: Path, cat_jpeg: bytes
) -> None:
    predictor = Predictor.load(cat_model)
    (future,) = service.submit([cat_jpeg], map_label="")
    answer = future.result(30)
    (expected,) = predictor.predict([cat_jpeg])
    assert answer.result == expected
    assert answer.sha256 == predictor.sha256 == service.model().sha256
    assert answer.map is not None
    shown = predictor.explain(cat_jpeg)
    assert answer.map.region == pytest.approx(shown.region)
    assert abs(answer.map.values - shown.values).max() < 0.002


def test_the_model_is_described_without_loading_it(service: Service, cat_model: Path) -> None:
    facts, predictor = service.model(), Predictor.load(cat_model)
    assert (facts.vocab, facts.card) == (predictor.vocab, predictor.card)


def test_a_bad_photo_is_a_failure_in_its_place(service: Service, cat_jpeg: bytes) -> None:
    answers = [
        future.result(30).result for future in service.submit([b"no photo", cat_jpeg, b""], map_label="")
    ]
    assert [answer.code if isinstance(answer, Failure) else answer.label for answer in answers] == [
        "not_an_image", "cat", "empty",
    ]  # fmt: skip


def test_a_map_for_a_class_that_is_not_there_is_left_out(service: Service, cat_jpeg: bytes) -> None:
    (future,) = service.submit([cat_jpeg], map_label="unicorn")
    assert future.result(30).map is None


def test_fifty_at_once_are_all_answered_and_in_their_own_order(service: Service, cat_jpeg: bytes) -> None:
    requests = [service.submit([cat_jpeg, b"x"]) for _ in range(50)]
    for first, second in requests:
        assert not isinstance(first.result(60).result, Failure)
        assert isinstance(second.result(60).result, Failure)


def test_who_does_not_fit_is_refused_at_once_and_whoever_is_in_is_answered(
    cat_model: Path, cat_jpeg: bytes
) -> None:
    with serving(cat_model, max_photos=10) as service:
        accepted: list[Future[Answer]] = []
        refused = 0
        for _ in range(60):
            try:
                accepted += service.submit([cat_jpeg])
            except ServiceError as error:
                assert error.code == "busy"
                refused += 1
        assert refused >= 60 - 10 - 16  # two batches may be on their way
        assert all(not isinstance(future.result(60).result, Failure) for future in accepted)
        assert service.metrics.refused.value == refused


def test_the_queue_is_bounded_in_bytes_too(cat_model: Path) -> None:
    with serving(cat_model, max_bytes=1000) as service:
        until(lambda: service.worker_pid is not None)
        service.submit([b"x" * 900] * 40)
        with pytest.raises(ServiceError) as raised:
            service.submit([b"x" * 900])
    assert raised.value.code == "busy"


def test_nobody_waits_longer_than_the_deadline(cat_model: Path, cat_jpeg: bytes) -> None:
    with serving(cat_model) as service:  # the model takes half a second to load, and more
        (future,) = service.submit([cat_jpeg], deadline_s=0.05)
        with pytest.raises(ServiceError) as raised:
            future.result(30)
        assert raised.value.code == "too_late"
        (later,) = service.submit([cat_jpeg])
        assert not isinstance(later.result(30).result, Failure)


def test_who_gives_up_frees_the_place(cat_model: Path, cat_jpeg: bytes) -> None:
    with serving(cat_model, max_photos=30) as service:
        waiting = service.submit([cat_jpeg] * 30)
        given_up = [future for future in waiting if future.cancel()]
        assert given_up
        until(lambda: len(service._room) == 0)
        (future,) = service.submit([cat_jpeg])
        assert not isinstance(future.result(30).result, Failure)


def test_a_killed_worker_costs_only_what_it_had_in_hand_and_is_back_within_five_seconds(
    cat_model: Path, cat_jpeg: bytes
) -> None:
    began = time.monotonic()
    with serving(cat_model) as service:
        service.model(30)
        to_start_s = time.monotonic() - began
        futures = service.submit([cat_jpeg] * 120)
        until(lambda: futures[0].done())
        killed, start = kill_worker(service), time.monotonic()
        wait(futures, 30)
        lost = [error for future in futures if (error := future.exception()) is not None]
        assert {error.code for error in lost if isinstance(error, FieldmarkError)} <= {"lost"}
        assert 1 <= len(lost) <= 16
        (after,) = service.submit([cat_jpeg])
        assert not isinstance(after.result(30).result, Failure)
        assert time.monotonic() - start < 5 * max(slowness(), to_start_s)
        assert service.worker_pid != killed
        assert service.metrics.restarts.value == 1


def test_a_worker_that_keeps_dying_is_left_alone_and_then_tried_again(
    cat_model: Path, cat_jpeg: bytes
) -> None:
    with serving(cat_model, max_deaths=2, rest_s=1.5) as service:
        for _ in range(2):
            until(lambda: service.worker_pid is not None)
            pid = kill_worker(service)
            until(lambda pid=pid: service.worker_pid != pid)  # type: ignore[misc]
        with pytest.raises(ServiceError) as raised:
            service.submit([cat_jpeg])
        assert raised.value.code == "down"
        assert service.state()["ready"] is False
        until(lambda: service.worker_pid is not None)
        (future,) = service.submit([cat_jpeg])
        assert not isinstance(future.result(30).result, Failure)


def test_the_old_model_answers_until_the_new_one_has_passed_its_self_test(
    cat_model: Path, cat_jpeg: bytes, tmp_path: Path
) -> None:
    path = Path(shutil.copy(cat_model, tmp_path / "model.onnx"))
    new = tmp_path / "new.onnx"
    build_pretrained({"coffee": ("espresso",)}, new, rest="no coffee", title="Coffee")
    with serving(path) as service:
        before = service.model(30).sha256
        damaged = tmp_path / "damaged.onnx"
        damaged.write_bytes(cat_model.read_bytes()[:-7])
        damaged.replace(path)
        time.sleep(1.5)
        assert service.submit([cat_jpeg])[0].result(30).sha256 == before
        new.replace(path)
        seen = []
        until(
            lambda: (seen.append(service.submit([cat_jpeg])[0].result(30)), service.model().sha256 != before)[
                1
            ]
        )
        assert {answer.sha256 for answer in seen} <= {before, service.model().sha256}
        answer = service.submit([cat_jpeg])[0].result(30)
        assert (answer.sha256, answer.result.label) == (service.model().sha256, "no coffee")  # type: ignore[union-attr]


def test_without_a_model_it_says_so_and_takes_up_the_first_that_comes(
    cat_model: Path, cat_jpeg: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    with serving(path) as service:
        with pytest.raises(ModelFileError, match="does not exist"):
            service.model(30)
        with pytest.raises(ModelFileError, match="does not exist"):
            service.submit([cat_jpeg])[0].result(30)
        shutil.copy(cat_model, tmp_path / "part")
        (tmp_path / "part").replace(path)
        until(lambda: service.state()["ready"])
        assert not isinstance(service.submit([cat_jpeg])[0].result(30).result, Failure)


def test_stopping_answers_whoever_is_in_and_lets_nobody_in(cat_model: Path, cat_jpeg: bytes) -> None:
    service = Service(cat_model)
    service.start()
    futures = service.submit([cat_jpeg] * 40)
    pid = service.worker_pid
    service.stop(drain_s=30)
    assert all(not isinstance(future.result(0).result, Failure) for future in futures)
    with pytest.raises(ServiceError) as raised:
        service.submit([cat_jpeg])
    assert raised.value.code == "stopping"
    assert pid is not None
    assert not psutil.pid_exists(pid)


def has_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
def test_the_worker_ends_with_its_server_however_that_ends(cat_model: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from fieldmark.service.service import Service\n"
        "service = Service(Path(sys.argv[1])); service.start(); service.model(30)\n"
        "print(service.worker_pid, flush=True); time.sleep(60)"
    )
    server = subprocess.Popen([sys.executable, "-c", code, str(cat_model)], stdout=subprocess.PIPE)
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdout.close()
    until(lambda: has_ended(pid))


def test_the_service_loads_no_torch_and_the_server_side_no_engine(cat_model: Path) -> None:
    code = "import sys, fieldmark.service.service; print({'openvino', 'torch', 'tornado'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_its_numbers_are_text_that_prometheus_reads(service: Service, cat_jpeg: bytes) -> None:
    service.submit([cat_jpeg])[0].result(30)
    text = service.metrics.text(waiting=3)
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    answered = int(values["fieldmark_photos_answered_total"])
    assert answered >= 1
    assert int(values['fieldmark_photo_seconds_bucket{le="+Inf"}']) == answered
    assert values["fieldmark_waiting"] == "3"


def test_photos_that_keep_coming_are_taken_together() -> None:
    """Clients that were answered together send their next photos one after the other."""
    room = WaitingRoom(max_photos=8, max_bytes=100)

    def arrive() -> None:
        for _ in range(4):
            room.enter([Item(b"", deadline=math.inf)])
            time.sleep(0.8)

    with ThreadPoolExecutor(1) as clients:
        clients.submit(arrive)
        assert len(room.take(4, linger_s=20.0)) == 4

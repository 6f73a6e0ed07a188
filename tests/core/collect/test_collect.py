"""Collecting: photos from a source into a dataset, with their licence, whatever the server does."""

from __future__ import annotations

import csv
import io
import json
import math
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.photosource import FAULTS, Offer, PhotoSource, noise, photo_source
from fieldmark.callbacks import Progress
from fieldmark.catalog import Catalog
from fieldmark.collect import Outcome, Provider, Rules, Wanted, collect, find_provider
from fieldmark.collect.outcome import Ledger
from fieldmark.errors import Cancelled, CollectError

QUICK = Rules(timeout_s=20.0, attempts=2)
HOLDS = Rules(timeout_s=60.0, attempts=1)
"""Whoever waits for an answer that is held back waits for this long."""


@pytest.fixture
def source() -> Iterator[PhotoSource]:
    bears = {
        "grizzly bear": Offer(60, noise, 0),
        "black bear": Offer(60, noise, 1000),
        "teddy bear": Offer(60, noise, 2000),
    }
    with photo_source(bears) as server:
        yield server


def openverse(source: PhotoSource) -> Provider:
    return find_provider("openverse", f"{source.url}/openverse/v1")


def test_three_classes_come_with_licence_author_and_page(source: PhotoSource, tmp_path: Path) -> None:
    wanted = [Wanted(term, 25) for term in ("grizzly bear", "black bear")] + [
        Wanted("teddy bear", 10, "teddy")
    ]
    report = collect(tmp_path / "bears", wanted, who="test", provider=openverse(source), rules=QUICK)

    catalog = Catalog.open(tmp_path / "bears")
    assert catalog.counts() == {"black bear": 25, "grizzly bear": 25, "teddy": 10}
    assert report.added == 60
    photos = catalog.photos()
    assert {photo.licence for photo in photos} == {"CC BY 4.0", "CC BY-SA 2.0", "CC0 1.0"}
    assert all(photo.author and photo.page and photo.source for photo in photos)
    assert all(catalog.file_of(photo).read_bytes()[:2] == b"\xff\xd8" for photo in photos)
    assert len(source.agents) == 1
    assert next(iter(source.agents)).startswith("Fieldmark/")


def test_every_photo_is_credited_in_a_table_beside_them(source: PhotoSource, tmp_path: Path) -> None:
    report = collect(tmp_path / "bears", [Wanted("grizzly bear", 30)], who="test", provider=openverse(source))

    with report.credits.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["path"] for row in rows} == {
        photo.path for photo in Catalog.open(tmp_path / "bears").photos()
    }
    assert all(row["author"] and row["licence"] and row["licence_text"].startswith("https://creativecommons.org/")
               and row["page"].startswith("https://photos.example/") for row in rows)  # fmt: skip


def test_a_licence_that_was_not_asked_for_is_left_out(source: PhotoSource, tmp_path: Path) -> None:
    report = collect(tmp_path / "a", [Wanted("grizzly bear", 40)], who="test", provider=openverse(source), licences=["public-domain"])  # fmt: skip
    assert {photo.licence for photo in Catalog.open(tmp_path / "a").photos()} == {"CC0 1.0"}
    assert report.problems == {"grizzly bear": "Openverse has no more: 15 of 40 photos."}
    with pytest.raises(CollectError, match="'free' is no licence"):
        collect(tmp_path / "a", [Wanted("x")], who="test", provider=openverse(source), licences=["free"])


def test_whatever_an_address_gives_it_has_an_outcome_with_its_reason(tmp_path: Path) -> None:
    faults = dict(enumerate(FAULTS))
    small = Rules(timeout_s=4.0, attempts=2, max_bytes=1_000_000)
    with photo_source({"bear": Offer(20, noise, faults=faults, copies={15: 14})}) as server:
        seen: list[Outcome] = []
        report = collect(
            tmp_path / "a", [Wanted("bear", 20)], who="test", provider=openverse(server), rules=small, licences=["any"], watch=seen.append
        )  # fmt: skip
    codes = {outcome.url.split("/")[4]: outcome.code for outcome in report.failures}
    assert codes == {
        "gone": "gone", "forbidden": "not_allowed", "error": "server_error", "page": "format_not_allowed", "cut": "truncated",
        "empty": "empty", "circle": "redirects", "slow": "too_slow", "huge": "too_large_file", "busy": "busy",
    }  # fmt: skip
    assert all(
        failure.reason.endswith(".") and not failure.reason[0].islower() for failure in report.failures
    )
    assert Counter(outcome.status for outcome in seen) == {"failed": 10, "added": 9, "duplicate": 1}
    assert len({outcome.url for outcome in report.outcomes}) == 20
    assert sum(Catalog.open(tmp_path / "a").counts().values()) == 9


def test_a_photo_that_moved_is_followed(tmp_path: Path) -> None:
    with photo_source({"bear": Offer(3, noise, faults={1: "moved"})}) as server:
        report = collect(tmp_path / "a", [Wanted("bear", 3)], who="test", provider=openverse(server))
    assert report.added == 3


def test_the_same_again_fetches_only_what_is_missing(source: PhotoSource, tmp_path: Path) -> None:
    source.offers["grizzly bear"] = Offer(60, noise, faults={3: "gone", 5: "error"})
    first = collect(
        tmp_path / "a", [Wanted("grizzly bear", 20)], who="test", provider=openverse(source), rules=QUICK
    )
    asked = {path: n for path, n in source.asked.items() if path.startswith(("/photo", "/fault"))}
    second = collect(
        tmp_path / "a", [Wanted("grizzly bear", 30)], who="test", provider=openverse(source), rules=QUICK
    )

    again = {path for path, n in asked.items() if source.asked[path] > n}
    assert again <= {"/fault/error/grizzly_bear/5.jpg"}  # may have passed; what is gone is not asked again
    assert (first.added, second.added) == (20, 10)
    assert second.have == {"grizzly bear": 30}


def test_cancelling_keeps_what_came_and_the_same_again_goes_on(source: PhotoSource, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done >= 10:
            raise Cancelled("Stopped.")

    wanted = [Wanted("grizzly bear", 30)]
    with pytest.raises(Cancelled, match=r"Stopped. 1\d photos were collected; the same again goes on"):
        collect(tmp_path / "a", wanted, who="test", provider=openverse(source), callback=stop)
    kept = Catalog.open(tmp_path / "a").counts()["grizzly bear"]
    assert 10 <= kept < 30
    assert (tmp_path / "a" / "CREDITS.csv").is_file()
    report = collect(tmp_path / "a", wanted, who="test", provider=openverse(source))
    assert report.added == 30 - kept
    assert max(n for path, n in source.asked.items() if path.startswith("/photo")) <= 2


def test_stopping_leaves_the_photos_that_a_server_holds_back_and_keeps_those_that_came(
    source: PhotoSource, tmp_path: Path
) -> None:
    asked_at: list[float] = []

    def stop(progress: Progress) -> None:
        if progress.done == 12:
            asked_at.append(time.monotonic())
            raise Cancelled("Stopped.")

    source.gives = 12
    wanted = [Wanted("grizzly bear", 30)]
    with pytest.raises(Cancelled, match="12 photos were collected"):
        collect(tmp_path / "a", wanted, who="test", provider=openverse(source), rules=HOLDS, callback=stop)
    assert time.monotonic() - asked_at[0] < HOLDS.timeout_s / 6
    source.gives = math.inf
    assert collect(tmp_path / "a", wanted, who="test", provider=openverse(source)).added == 18


@pytest.mark.parametrize("held", ["search", "name"])
def test_stopping_leaves_a_search_or_a_name_that_nobody_answers(
    source: PhotoSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    released, waits = threading.Event(), threading.Event()

    def hold(*_: object, **__: object) -> None:
        waits.set()
        released.wait()

    def stop(_: Progress) -> None:
        if waits.is_set() or source.at_once:
            raise Cancelled("Stopped.")

    provider = openverse(source)
    if held == "name":
        provider = find_provider("openverse", "http://photos.example")
        monkeypatch.setattr(socket, "getaddrinfo", hold)  # as where no name server answers
    else:
        source.latency_s = 2 * HOLDS.timeout_s
    began = time.monotonic()
    with pytest.raises(Cancelled, match="0 photos were collected"):
        collect(tmp_path / "a", [Wanted("bear")], who="test", provider=provider, rules=HOLDS, callback=stop)  # fmt: skip
    assert time.monotonic() - began < HOLDS.timeout_s / 6
    released.set()


HEARS_CTRL_C = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
runpy.run_module("fieldmark", run_name="__main__")
"""


def test_ctrl_c_leaves_what_is_held_back_and_keeps_what_came(source: PhotoSource, tmp_path: Path) -> None:
    source.gives, ledger = 12, tmp_path / "a" / ".fieldmark" / "collected.jsonl"
    command = [sys.executable, "-c", HEARS_CTRL_C, "collect", str(tmp_path / "a"), "--class", "grizzly bear", "--endpoint", f"{source.url}/openverse/v1"]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not ledger.is_file() or ledger.read_bytes().count(b'"arrived"') < 12:
                assert process.poll() is None
                time.sleep(0.05)
            asked_at = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert time.monotonic() - asked_at < Rules().timeout_s  # after which each is asked for again
    assert (process.returncode, said) == (1, "Stopped. 12 photos were collected; the same again goes on from there.\n")  # fmt: skip
    assert Catalog.open(tmp_path / "a").counts() == {"grizzly bear": 12}


def test_one_run_is_one_act_that_can_be_undone(source: PhotoSource, tmp_path: Path) -> None:
    collect(
        tmp_path / "a",
        [Wanted("grizzly bear", 42), Wanted("black bear", 5)],
        who="test",
        provider=openverse(source),
    )
    catalog = Catalog.open(tmp_path / "a")
    act = catalog.undo(who="test")
    assert act is not None
    assert act.changed == 47
    assert catalog.counts() == {}


def test_what_arrived_before_a_kill_is_taken_and_not_fetched_again(
    source: PhotoSource, tmp_path: Path
) -> None:
    """As a killed process leaves it: bytes on the disk, a line in the ledger, half a line behind it."""
    catalog = Catalog.create(tmp_path / "a")
    from fieldmark.collect.arrival import Receiver
    from fieldmark.collect.candidate import Candidate

    url = source.photo_url("grizzly bear", 0)
    receiver = Receiver(catalog, Ledger(catalog.root), "openverse")
    receiver.receive(Candidate(url, author="Person 0"), "grizzly bear", noise(0))
    with (catalog.root / ".fieldmark" / "collected.jsonl").open("ab") as file:
        file.write(b'{"url": "http')
    report = collect(catalog, [Wanted("grizzly bear", 5)], who="test", provider=openverse(source))
    assert report.have == {"grizzly bear": 5}
    assert source.asked["/photo/grizzly_bear/0.jpg"] == 0
    assert len(Ledger(catalog.root).outcomes()) == 5
    assert list(catalog.incoming.iterdir()) == []


def test_a_server_that_asks_for_time_gets_it(source: PhotoSource, tmp_path: Path) -> None:
    source.rate_limited = 1
    report = collect(
        tmp_path / "a", [Wanted("grizzly bear", 3)], who="test", provider=openverse(source), rules=QUICK
    )
    assert report.added == 3
    source.rate_limited, source.retry_after = 5, "3600"
    with pytest.raises(CollectError, match="asks to be left alone for 60 minutes"):
        collect(
            tmp_path / "b", [Wanted("grizzly bear", 3)], who="test", provider=openverse(source), rules=QUICK
        )


def test_few_connections_are_open_to_one_server(source: PhotoSource, tmp_path: Path) -> None:
    source.latency_s = 0.02
    collect(
        tmp_path / "a",
        [Wanted("grizzly bear", 40)],
        who="test",
        provider=openverse(source),
        rules=Rules(per_host=3),
    )
    assert (
        2 <= source.most_at_once <= 4
    )  # three for photos and, on a server of its own in life, one for the search


def test_a_server_that_bears_less_is_asked_over_fewer_connections(
    source: PhotoSource, tmp_path: Path
) -> None:
    source.latency_s, source.bears = 0.02, 4
    report = collect(
        tmp_path / "a", [Wanted("grizzly bear", 60)], who="test", provider=openverse(source), rules=Rules()
    )
    assert report.added == 45  # those under an open licence
    assert 0 < source.refused <= 20  # some that were on their way together, and then hardly any


def test_a_provider_that_is_down_is_one_sentence(tmp_path: Path) -> None:
    with photo_source({}) as server:
        gone = server.url
    with pytest.raises(
        CollectError, match=r"^No connection to 127.0.0.1. Check that this computer is online.$"
    ) as caught:
        collect(
            tmp_path / "a",
            [Wanted("bear"), Wanted("cat")],
            who="test",
            provider=find_provider("openverse", gone),
            rules=QUICK,
        )
    assert caught.value.code == "no_connection"


def test_exif_stays_in_the_file_and_tells_when_it_was_taken(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0132] = "2021:06:05 04:03:02"
    file = io.BytesIO()
    Image.open(io.BytesIO(noise(7))).save(file, "JPEG", exif=exif)
    with photo_source({"bear": Offer(1, lambda _: file.getvalue())}) as server:
        collect(tmp_path / "a", [Wanted("bear", 1)], who="test", provider=openverse(server))
    (photo,) = Catalog.open(tmp_path / "a").photos()
    assert photo.captured == "2021-06-05T04:03:02"
    assert (tmp_path / "a" / photo.path).read_bytes() == file.getvalue()


def test_the_report_is_json(source: PhotoSource, tmp_path: Path) -> None:
    report = collect(tmp_path / "a", [Wanted("grizzly bear", 25)], who="test", provider=openverse(source))
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["have"] == {"grizzly bear": 25}
    assert plain["tried"] == 25
    assert any("posed" in sentence for sentence in report.lines())


def test_the_proxy_of_a_school_or_a_park_is_used_and_a_public_server_goes_by_none(
    source: PhotoSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", source.url)
    monkeypatch.setenv("no_proxy", "")
    listed = tmp_path / "listed.txt"
    listed.write_text("http://photos.example/photo/grizzly_bear/1.jpg\n", "utf-8")
    behind = collect(
        tmp_path / "a", [Wanted("bear", 1)], who="test", provider=find_provider("list", str(listed))
    )
    assert behind.added == 1
    assert source.asked["/photo/grizzly_bear/1.jpg"] == 1
    resolve = socket.getaddrinfo

    def known_here(host: str, *more: Any, **options: Any) -> Any:
        """Asking a name server may take longer than one waits for a photo."""
        if host == "photos.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", known_here)
    public = Rules(public_only=True, timeout_s=20.0, attempts=1)
    alone = collect(
        tmp_path / "b",
        [Wanted("bear", 1)],
        who="test",
        provider=find_provider("list", str(listed)),
        rules=public,
    )
    assert [failure.code for failure in alone.failures] == ["no_connection"]
    assert source.asked["/photo/grizzly_bear/1.jpg"] == 1

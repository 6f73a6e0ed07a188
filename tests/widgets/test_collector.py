"""The collector in the kernel: what the page asks for, what it is shown, and what is said when nothing can be reached."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.photosource import Offer, PhotoSource, noise, photo_source
from fieldmark.catalog import Catalog
from fieldmark.collect import Rules
from fieldmark_widgets import Collector, Studio


@pytest.fixture
def source() -> Iterator[PhotoSource]:
    terms = ("grizzly bear", "black bear", "teddy bear")
    with photo_source(
        {term: Offer(40, noise, 1000 * place, {3: "gone"}) for place, term in enumerate(terms)}
    ) as server:
        yield server


def collector(folder: Path, source: PhotoSource, **traits: Any) -> Collector:
    endpoints = {"openverse": f"{source.url}/openverse/v1"}
    return Collector(folder, endpoints=endpoints, rules=Rules(attempts=1), **traits)


def say(widget: Collector, **message: Any) -> None:
    widget._handle_custom_msg(message, [])


def test_three_terms_are_offered_and_nothing_is_asked_before_somebody_presses(
    source: PhotoSource, tmp_path: Path
) -> None:
    widget = collector(tmp_path / "bears", source)
    assert widget.terms == ["grizzly bear", "black bear", "teddy bear"]
    assert (widget.n, widget.licence, widget.state) == (150, "open", "empty")
    assert not source.asked
    assert not (tmp_path / "bears").exists()


def test_a_page_collects_into_a_new_dataset_and_is_told_what_failed_and_why(
    source: PhotoSource, tmp_path: Path
) -> None:
    widget = collector(tmp_path / "bears", source)
    say(
        widget,
        kind="collect",
        terms=["grizzly bear", "black bear", ""],
        n=12,
        provider="openverse",
        licence="open",
    )
    widget.wait()
    assert (widget.state, widget.problem) == ("ready", "")
    assert Catalog.open(tmp_path / "bears").counts() == {"black bear": 12, "grizzly bear": 12}
    assert widget.workspace.project is not None
    result = widget._result
    assert result["headline"] == "24 photos collected"
    assert [chip["text"] for chip in result["classes"]] == ["12 of 12", "12 of 12"]
    assert len(widget.latest.rows) == 24
    assert all("CC" in row.credit for row in widget.latest.rows)
    assert result["credits"] == "Whom to credit is written in CREDITS.csv."


def test_stopped_it_says_at_once_what_came_until_then_and_what_failed(
    source: PhotoSource, tmp_path: Path
) -> None:
    source.offers["black bear"], source.gives = Offer(60, noise, faults={0: "gone"}), 6
    widget = collector(tmp_path / "bears", source)
    say(widget, kind="collect", terms=["black bear"], n=12)
    while len(widget._came) < 7:
        time.sleep(0.05)
    say(widget, kind="cancel")
    widget.wait(20)  # what is held back would be waited for for longer
    assert (widget.state, widget._result) == (
        "ready",
        {
            "headline": "Stopped. 6 photos were collected; the same again goes on from there.",
            "n_failed": 1,
            "failed": ["1 × Not to be had: it is no longer there (404)."],
        },
    )


def test_what_was_asked_for_is_offered_again_on_the_next_page(source: PhotoSource, tmp_path: Path) -> None:
    first = collector(tmp_path / "bears", source)
    say(first, kind="collect", terms=["black bear"], n=5)
    first.wait()
    second = collector(tmp_path / "bears", source)
    assert (second.terms, second.n, second._goes_on) == (["black bear"], 5, True)


def test_offline_it_says_so_and_offers_the_sample(tmp_path: Path) -> None:
    taken: list[str] = []
    widget = Collector(tmp_path / "a", endpoints={"openverse": "http://127.0.0.1:9"}, rules=Rules(attempts=1),
                       on_sample=lambda: taken.append("sample"))  # fmt: skip
    say(widget, kind="collect", terms=["bear"])
    widget.wait()
    assert widget.state == "failed"
    assert widget.problem == "No connection to 127.0.0.1. Check that this computer is online."
    assert widget._offers_sample
    say(widget, kind="sample")
    assert (taken, widget.problem) == (["sample"], "")


def test_behind_a_public_server_it_is_off_until_allowed(tmp_path: Path, source: PhotoSource) -> None:
    widget = collector(tmp_path / "a", source)
    widget.rules = Rules(enabled=False)
    say(widget, kind="collect", terms=["bear"])
    assert "switched off on this server" in widget.problem
    assert not source.asked


def test_what_a_page_sends_is_bounded(source: PhotoSource, tmp_path: Path) -> None:
    widget = collector(tmp_path / "a", source)
    say(widget, kind="collect", terms="not a list")
    assert widget.problem == "Name at least one thing to look for."
    say(widget, kind="collect", terms=["x" * 5000] * 50, n=10**9, provider="list", licence="stolen")
    widget.wait()
    assert (widget.n, len(widget.terms), widget.provider, widget.licence) == (1000, 12, "openverse", "open")


def test_the_studio_offers_it_first(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "datasets")
    assert studio.panel.collector is not None
    assert studio.panel.collector.workspace is studio.workspace
    studio.close()

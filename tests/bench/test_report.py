"""The page of benchmarks says what its rows say, misses too."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from math import sqrt
from pathlib import Path
from xml.etree import ElementTree

import pytest
import report
import rows
from pairs import median_ratio, paired, tango
from rows import Row, load_rows, save_rows
from scipy.optimize import minimize_scalar
from scipy.special import xlogy


def row(
    system: str, seconds: float, wrong: tuple[str, ...] = (), *, seed: int = 1, photos: str = "bears"
) -> Row:
    return Row(system, photos, seed, seconds, 2 * seconds, 100, wrong, 400, machine="m", when="2026-01-01 00:00", others=0.1)  # fmt: skip


def test_rows_come_back_and_a_later_one_takes_the_place_of_its_forerunner(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    save_rows([row("a", 3), row("a", 4, ("x",)), row("a", 5, seed=2)], path)
    save_rows([*load_rows(path), row("b", 1)], path)
    assert [(r.system, r.seconds, r.wrong) for r in load_rows(path)] == [
        ("a", 4, ("x",)),
        ("b", 1, ()),
        ("a", 5, ()),
    ]


def test_no_file_is_no_row(tmp_path: Path) -> None:
    assert load_rows(tmp_path / "none") == []


@pytest.mark.parametrize(("b", "c", "n"), [(12, 2, 415), (0, 1, 100), (3, 3, 50)])
def test_a_limit_is_where_the_score_test_just_refuses(b: int, c: int, n: int) -> None:
    """With the most likely share of either kind under that difference, found by search and not by the formula."""
    for delta in tango(b, c, n):

        def unlikely(share: float, delta: float = delta) -> float:
            same = 1 - 2 * share - delta
            return -(xlogy(b, share + delta) + xlogy(c, share) + xlogy(n - b - c, same))

        bounds = (max(0.0, -delta) + 1e-12, (1 - delta) / 2 - 1e-12)
        share = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        score = (b - c - n * delta) / sqrt(n * (2 * share + delta - delta * delta))
        assert abs(score) == pytest.approx(1.96, abs=0.01)


def test_swapped_systems_have_the_mirrored_interval() -> None:
    low, high = tango(12, 2, 415)
    assert tango(2, 12, 415) == pytest.approx((-high, -low))


def test_where_nothing_differs_the_interval_shrinks_with_the_photos_and_is_never_empty() -> None:
    widths = [tango(0, 0, n)[1] for n in (50, 500, 5000)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(1.96**2 / 5000, rel=0.01)


def test_a_photo_that_is_held_out_twice_counts_as_one() -> None:
    once = paired([row("a", 1, ("x", "y"))], [row("b", 1)])
    twice = paired([row("a", 1, ("x", "y"), seed=s) for s in (1, 2)], [row("b", 1, seed=s) for s in (1, 2)])
    assert once is not None
    assert twice is not None
    assert (once.repeats, twice.repeats) == (1, 2)
    assert twice.interval == pytest.approx(once.interval)


def test_only_rows_of_the_same_split_are_paired() -> None:
    found = paired([row("a", 1, ("x",)), row("a", 1, seed=9)], [row("b", 1), row("b", 1, seed=3)])
    assert found is not None
    assert (found.n, found.only_first, found.only_second) == (100, 1, 0)
    assert paired([row("a", 1)], [row("b", 1, seed=2)]) is None
    assert median_ratio([row("a", 2)], [row("b", 100), row("b", 7, seed=5)]) == 50


def test_seconds_count_of_runs_that_had_the_machine_to_themselves_and_errors_of_all() -> None:
    ours = [row("a", 2), replace(row("a", 30, ("x",), seed=2), others=1.4)]
    theirs = [row("b", 100), replace(row("b", 120, seed=2), others=None)]
    assert median_ratio(ours, theirs) == 50
    assert median_ratio(ours[1:], theirs[1:]) is None
    found = paired(ours, theirs)
    assert found is not None
    assert (found.n, found.only_first) == (200, 1)


def test_what_others_take_of_the_machine_is_counted() -> None:
    before = rows.busy_seconds()
    subprocess.run([sys.executable, "-c", "while __import__('time').process_time() < 1: pass"], check=True)
    assert rows.busy_seconds() - before > 0.8


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(report, "DOCS", tmp_path)
    made = [
        row(report.OURS, 4, ("x",)),
        row(report.PROBE, 40, ("x", "y")),
        row(report.FINE_TUNE, 200, ("x", "y")),
        row(report.OURS_TUNED, 100, ("y",)),
        replace(row(report.OUR_ANSWERS, 9), n=0, figures={"one_ms": 5, "photos_s": 90, "decoded_s": 200, "forwarded_s": 200, "limit_s": 100}),
        replace(row(report.THEIR_ANSWERS, 9), n=0, figures={"one_ms": 30, "photos_s": 20}),
    ]  # fmt: skip
    return report.write_report(made)


def test_a_goal_that_was_missed_is_said_plainly(page: str) -> None:
    said = dict(re.findall(r"^\| (.+?) \| .+ \| (\**\w+\**) \|$", page.partition("aimed at")[2], re.M))
    assert said["bears: at least 100 times faster than `fine_tune(4)`"] == "**missed**"  # 50 times
    assert said["less error than the plain probe, and faster"] == "reached"
    assert said["fine-tuning at least 3 times faster"] == "**missed**"  # 2 times
    assert said["one photo at least 10 times faster than `learn.predict`"] == "**missed**"
    assert said["at least 85% of the limit"] == "reached"


def test_a_difference_that_few_photos_cannot_show_is_called_undecided(page: str) -> None:
    (line,) = [line for line in page.splitlines() if line.startswith("| fastai fine_tune(4) | 100 |")]
    assert line.startswith("| fastai fine_tune(4) | 100 | 0 | 1 | -1.0 (")
    assert line.endswith("| undecided: too few photos for the margin |")


def test_what_was_not_measured_is_named(page: str) -> None:
    assert "Not timed yet with the machine to themselves: bears by fastai frozen." in page


def test_the_picture_has_a_point_for_each_system_and_set(page: str, tmp_path: Path) -> None:
    picture = ElementTree.fromstring((tmp_path / "benchmarks.svg").read_text("utf-8"))
    titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert "fastai fine_tune(4), bears: 200.0 s, 2 of 100 wrong" in titles
    assert len(titles) == 4
    assert "bears" in page


def test_a_machine_says_what_it_is() -> None:
    assert re.fullmatch(r".+, \d+ cores, \w+, (with|without) bfloat16", rows.machine())

"""Collecting from a server with 50 ms latency: how fast, what is lost, what a kill costs; beside fastai.

    make bench-collect

1,000 photos of which 5 % of the addresses are broken and 2 % are copies; the server has made all of them before the first
is asked for, else whoever comes first would wait for that as well. fastai's `download_images` is measured on the same
server, in turns, where FASTAI_PYTHON names an interpreter that has it. Then: how many labels a model needs that asks for
the most useful photos. One of the two alone: `python tests/bench/bench_collect.py photos`, or `labels`, or `labels bears`;
of one split: SEEDS=1.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from active import SETS, compare_sampling

SOURCE = Path(__file__).parents[1] / "core" / "photosource.py"
N = 1000
TURNS = 3
CODE = """
import json, sys, threading, time, psutil
from fieldmark.collect import Wanted, collect, find_provider, Rules
process, sizes, done = psutil.Process(), [], threading.Event()
def watch():
    while not done.wait(0.2):
        sizes.append(process.memory_info().rss)
threading.Thread(target=watch, daemon=True).start()
report = collect(sys.argv[1], [Wanted("bear", 10_000)], who="bench", provider=find_provider("list", sys.argv[2]))
done.set()
third = len(sizes) // 3
plain = report.as_dict()
plain["growth_mb"] = (max(sizes[2 * third:]) - max(sizes[third:2 * third] or sizes)) / 1e6
plain["peak_mb"] = max(sizes) / 1e6
print(json.dumps(plain))
"""
FASTAI = """
import sys, time
from pathlib import Path
from fastai.vision.utils import download_images, verify_images, get_image_files
started = time.perf_counter()
download_images(Path(sys.argv[1]), url_file=Path(sys.argv[2]), max_pics=10_000)
files = get_image_files(sys.argv[1])
bad = verify_images(files)
print(len(files) - len(bad), time.perf_counter() - started)
"""


@contextmanager
def served() -> Iterator[tuple[str, list[str]]]:
    """A server in a process of its own, and the addresses of its photos."""
    command = [
        sys.executable,
        str(SOURCE),
        "--latency-ms",
        "50",
        "--broken",
        "0.05",
        "--copies",
        "0.02",
        "--n",
        str(N),
        "--prepared",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            yield url, _addresses(url)
        finally:
            server.terminate()


def _addresses(url: str) -> list[str]:
    with urllib.request.urlopen(f"{url}/addresses?term=grizzly+bear") as answer:
        found: list[str] = json.load(answer)
    return found


def _asked(url: str) -> Counter[str]:
    with urllib.request.urlopen(f"{url}/asked") as answer:
        return Counter(json.load(answer))


def collect(folder: Path, listed: Path) -> dict[str, Any]:
    """One whole process."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(folder), str(listed)], capture_output=True, text=True, check=True
    )
    plain: dict[str, Any] = json.loads(done.stdout)
    return plain


def kill_and_resume(folder: Path, listed: Path, url: str) -> tuple[int, int, dict[str, Any]]:
    """Kill -9 in the middle; gives what had arrived, how many of those were fetched again, and the second report."""
    ledger = folder / ".fieldmark" / "collected.jsonl"
    before = _asked(url)
    with subprocess.Popen(
        [sys.executable, "-c", CODE, str(folder), str(listed)], stdout=subprocess.DEVNULL
    ) as process:
        while not ledger.is_file() or ledger.read_bytes().count(b'"arrived"') < N // 3:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    arrived = set(re.findall(rb'"url": "([^"]+)"[^\n]*"status": "arrived"', ledger.read_bytes()))
    killed = _asked(url)
    report = collect(folder, listed)
    again = [
        address
        for address in arrived
        if (path := address.decode().removeprefix(url)) and _asked(url)[path] > killed[path]
    ]
    assert killed != before
    return len(arrived), len(again), report


def fastai(folder: Path, listed: Path) -> tuple[float, int] | str:
    """The same addresses through fastai: seconds and photos; a sentence where it is not here."""
    python = os.environ.get("FASTAI_PYTHON")
    if not python:
        return "skipped: not installed. Name an interpreter that has it in FASTAI_PYTHON."
    done = subprocess.run(
        [python, "-c", FASTAI, str(folder), str(listed)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1]}"
    photos, seconds = done.stdout.split()[-2:]
    return float(seconds), int(photos)


def in_turns(folder: Path, listed: Path) -> tuple[list[dict[str, Any]], list[tuple[float, int] | str]]:
    """Both, one after the other, a few times; each into a folder of its own."""
    ours, theirs = [], []
    for turn in range(TURNS):
        ours.append(collect(folder / f"whole-{turn}", listed))
        theirs.append(fastai(folder / f"fastai-{turn}", listed))
    return ours, theirs


def main(parts: Sequence[str] = ("photos", "labels")) -> int:
    """Measure, and print."""
    good = measure_photos() if "photos" in parts else True
    if "labels" in parts:
        for line in compare_sampling([name for name in SETS if name in parts] or tuple(SETS)):
            print(line, flush=True)
    return 0 if good else 1


def measure_photos() -> bool:
    """How fast photos come, and that none is lost; whether that is so."""
    with served() as (url, addresses), tempfile.TemporaryDirectory() as temporary:
        folder, listed = Path(temporary), Path(temporary) / "addresses.txt"
        listed.write_text("\n".join(addresses) + "\n", "utf-8")
        ours, theirs = in_turns(folder, listed)
        lost = [N - (plain["added"] + plain["duplicates"] + len(plain["failed"])) for plain in ours]
        for line in describe(ours, theirs, lost):
            print(line)
        arrived, again, report = kill_and_resume(folder / "killed", listed, url)
        print(
            f"kill -9 after {arrived} had arrived, and again: {again} of them fetched again; {report['have']} in the end"
        )
    return not any(lost) and not again


def describe(
    ours: list[dict[str, Any]], theirs: list[tuple[float, int] | str], lost: list[int]
) -> Iterator[str]:
    """Say what was measured."""
    seconds, plain = [plain["seconds"] for plain in ours], ours[-1]
    yield (
        f"{N} addresses, 50 ms latency: {median(seconds):.1f} s, the median of {', '.join(f'{s:.1f}' for s in seconds)} (goal 20); "
        f"{plain['added']} photos, {plain['duplicates']} copies, {len(plain['failed'])} failed, each with its reason; lost: {lost}"
    )
    yield f"  reasons: {dict(Counter(failed['code'] for failed in plain['failed']))}"
    yield f"  memory: peak {plain['peak_mb']:.0f} MB; last third {plain['growth_mb']:+.1f} MB over the middle one"
    took = [told[0] for told in theirs if not isinstance(told, str)]
    yield "fastai download_images + verify_images: " + (
        f"{median(took):.1f} s, the median of {', '.join(f'{s:.1f}' for s in took)}; {theirs[-1][1]} photos; reasons for failures: none; "
        f"ours takes {median(seconds) / median(took):.2f} of its time" if took else str(theirs[-1])
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ("photos", "labels")))

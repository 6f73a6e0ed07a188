"""docs/benchmarks.md and its picture, made of all rows that there are: medians, ratios, intervals, what was missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from pairs import median_ratio, paired
from plot import write_plot
from rows import ALONE, DOCS, Row, timed
from systems import OURS, OURS_TUNED

from fieldmark.stats import wilson

PROBE, FROZEN, FINE_TUNE = "timm + scikit-learn", "fastai frozen", "fastai fine_tune(4)"
PEERS = (PROBE, FROZEN, FINE_TUNE)
OUR_ANSWERS, THEIR_ANSWERS = "fieldmark predicts", "fastai predicts"
MARGIN = 0.01
"""Largest difference in error that counts as none; stated before anything was measured."""
MANY_PHOTOS, TIMES_MANY, TIMES_FEW = 400, 100, 60
TIMES_TUNED, TIMES_ONE, TIMES_FOLDER, SHARE_OF_LIMIT = 3, 10, 15, 0.85

INTRODUCTION = """# Benchmarks

Written by the benches themselves from the rows of [benchmarks.json](benchmarks.json), each a run of one system in a
process of its own, timed from its start to its end. `make bench-train`, `make bench-finetune`, `make bench-predict`
and `make bench-sample` add rows; `FULL=1` goes on with every set and seed that is missing; `make bench-data` fetches
the photos.

All systems of a set and seed see the same photos, the same split and the same backbone weights (EfficientNet-Lite0;
Fieldmark looks at photos with them in 8 bits, and fine-tunes them in float32).
Fieldmark begins with an empty feature cache, writes the model file and tries it in a fresh process; the others only
train and judge. Stated before the runs: error is called no higher than another's only where the 95 % interval of the
paired difference (Tango's score interval, photos that are held out in several splits counted as one) ends below
**1 percentage point**."""


def write_report(rows: Sequence[Row]) -> str:
    """Write the page and its picture; gives the page. What was measured last comes first."""
    trained = [row for row in rows if row.n]
    machines = sorted({row.machine for row in rows}, key=lambda m: max(_times_of(rows, m)), reverse=True)
    shown = max(machines, key=lambda machine: len(timed(_on(trained, machine))))
    parts = (
        INTRODUCTION,
        f"![Time against error of all systems; the time axis is logarithmic](benchmarks.svg)\n\nDrawn for: {shown}.",
        _pooled(trained),
        *(part for machine in machines for part in _machine(_on(rows, machine))),
    )
    page = "\n\n".join(part for part in parts if part)
    write_plot(_on(trained, shown), DOCS / "benchmarks.svg")
    (DOCS / "benchmarks.md").write_text(page + "\n", "utf-8")
    return page


def _on(rows: Iterable[Row], machine: str) -> list[Row]:
    return [row for row in rows if row.machine == machine]


def _times_of(rows: Iterable[Row], machine: str) -> list[str]:
    return sorted(row.when for row in _on(rows, machine))


def _machine(rows: Sequence[Row]) -> Iterable[str]:
    """All that was measured on one machine."""
    trained = [row for row in rows if row.n]
    yield f"## On {rows[0].machine}\n\n{_conditions(rows)}"
    yield from _sets(trained)
    yield _tuning(trained)
    yield _answering(rows)
    yield _goals(rows)


def _of(rows: Iterable[Row], system: str, photos: str | None = None) -> list[Row]:
    return [row for row in rows if row.system == system and photos in (None, row.photos)]


def _conditions(rows: Sequence[Row]) -> str:
    """Where, when, with what, and how busy the machine was."""
    found = {(name, number) for row in rows for name, number in row.versions.items()}
    versions = ", ".join(f"{name} {number}" for name, number in sorted(found))
    days = sorted(row.when for row in rows)
    alone = sum(row.is_alone for row in rows)
    busy = (
        f" {alone} of {len(rows)} runs had the machine to themselves (others took at most {ALONE} of a core): seconds and "
        "ratios are of those, errors of all: threads that wait for a taken core count as processor time."
    )
    return f"**Measured** from {days[0]} to {days[-1]} (UTC) with {versions}.{busy}"


def _sets(rows: Sequence[Row]) -> Iterable[str]:
    """A table for each set."""
    for name in dict.fromkeys(row.photos for row in rows):
        own = [row for row in rows if row.photos == name]
        seeds = sorted({row.seed for row in own})
        photos = max(row.n + row.n_train for row in own)
        lines = [
            f"### {name}: {photos} photos, split by seed {', '.join(map(str, seeds))}",
            "",
            "| system | runs (alone) | seconds, median | times ours | of processor time | wrong | error, 95 % |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        yield "\n".join([*lines, *(_line(system, own) for system in _systems(own))])


def _systems(rows: Iterable[Row]) -> list[str]:
    order = [OURS, *PEERS, OURS_TUNED]
    return sorted({row.system for row in rows}, key=lambda s: order.index(s) if s in order else len(order))


def _line(system: str, rows: Sequence[Row]) -> str:
    own, ours = _of(rows, system), _of(rows, OURS)
    wrong, n = sum(len(row.wrong) for row in own), sum(row.n for row in own)
    low, high = wilson(wrong, n)
    times = [_times(median_ratio(ours, own, what)) for what in ("seconds", "cpu_seconds")]
    alone = [row.seconds for row in timed(own)]
    seconds = f"{median(alone):.1f}" if alone else "–"
    return (
        f"| {system} | {len(own)} ({len(alone)}) | {seconds} | {times[0]} | {times[1]} | {wrong} of {n} | "
        f"{100 * wrong / n:.1f} %, {100 * low:.1f}–{100 * high:.1f} |"
    )


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"


def _pooled(rows: Sequence[Row]) -> str:
    """Error against each peer, over all sets and seeds that both were measured on."""
    lines = [
        "## Error, pooled over machines, sets and seeds",
        "",
        "| Fieldmark against | photos judged | wrong by ours alone | by the other alone | difference, points (95 %) | so |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for peer in PEERS:
        found = paired(_of(rows, OURS), _of(rows, peer))
        if found is not None:
            low, high = found.interval
            difference = f"{100 * found.difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
            lines.append(
                f"| {peer} | {found.n} | {found.only_first} | {found.only_second} | {difference} | {_verdict(low, high)} |"
            )
    return "\n".join(lines) if len(lines) > 4 else ""


def _verdict(low: float, high: float) -> str:
    if high < 0:
        return "less error"
    if high <= MARGIN:
        return "no more error, by the margin"
    if low > 0:
        return "**more error**"
    return "undecided: too few photos for the margin"


def _tuning(rows: Sequence[Row]) -> str:
    ours, theirs = _of(rows, OURS_TUNED), _of(rows, FINE_TUNE)
    ratio, found = median_ratio(ours, theirs), paired(ours, theirs)
    if ratio is None or found is None:
        return ""
    alone, cpu = (median_ratio(ours, theirs, what) for what in ("training_s", "cpu_seconds"))
    low, high = found.interval
    wrong = [
        sum(len(row.wrong) for row in side)
        for side in (_paired_only(ours, theirs), _paired_only(theirs, ours))
    ]
    return (
        "### Fine-tuning, the same recipe and epochs (1 frozen, 4 of everything)\n\n"
        f"Against fastai's `fine_tune(4)`, whole processes, {len(_paired_only(ours, theirs))} runs: **{ratio:.1f} times** "
        f"faster ({_times(cpu)} of processor time; {_times(alone)} of the training call alone). Wrong: {wrong[0]} against "
        f"{wrong[1]} of {found.n}; difference {100 * found.difference:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f}). "
        "Ours starts from the fitted head and keeps the best epoch, which may be the fit itself; the fit is part of its time."
    )  # fmt: skip


def _paired_only(rows: Iterable[Row], others: Iterable[Row]) -> list[Row]:
    known = {(row.photos, row.seed, row.machine) for row in others}
    return [row for row in rows if (row.photos, row.seed, row.machine) in known]


def _answering(rows: Sequence[Row]) -> str:
    ours, theirs = _of(rows, OUR_ANSWERS), _of(rows, THEIR_ANSWERS)
    if not ours:
        return ""
    mine = {name: median(row.figures[name] for row in ours) for name in ours[0].figures}
    lines = [
        "### Classifying, with what is loaded already",
        "",
        "| what | Fieldmark | fastai | ratio |",
        "| --- | --- | --- | --- |",
    ]
    other = (
        {name: median(row.figures[name] for row in theirs) for name in theirs[0].figures} if theirs else {}
    )
    one, many = other.get("one_ms"), other.get("photos_s")
    lines.append(
        f"| one photo, path → answer (`learn.predict`) | {mine['one_ms']:.1f} ms | {f'{one:.1f} ms' if one else '–'} | {_times(one and one / mine['one_ms'])} |"
    )
    lines.append(
        f"| a folder (`get_preds`) | {mine['photos_s']:.0f} photos/s | {f'{many:.0f} photos/s' if many else '–'} | {_times(many and mine['photos_s'] / many)} |"
    )
    lines += [
        "",
        f"The limit of a folder, 1 / (1/decoding + 1/network) with each measured alone on the same cores "
        f"({mine['decoded_s']:.0f} and {mine['forwarded_s']:.0f} photos a second), is {mine['limit_s']:.0f} photos a second: "
        f"{100 * mine['photos_s'] / mine['limit_s']:.0f} % of it were reached.",
    ]
    return "\n".join(lines)


def _goals(rows: Sequence[Row]) -> str:
    """What was aimed at and what came of it, misses as plainly as the rest."""
    lines = ["### What was aimed at", "", "| goal | measured | |", "| --- | --- | --- |"]
    for goal, value, reached in _judged_goals(rows):
        lines.append(f"| {goal} | {value} | {'reached' if reached else '**missed**'} |")
    missing = [
        f"{name} by {system}"
        for name in dict.fromkeys(row.photos for row in rows if row.n)
        for system in (*PEERS, OURS_TUNED)
        if not timed(_of(rows, system, name))
    ]
    if missing:
        lines += ["", f"Not timed yet with the machine to themselves: {'; '.join(missing)}."]
    return "\n".join(lines)


def _judged_goals(rows: Sequence[Row]) -> Iterable[tuple[str, str, bool]]:
    for name in dict.fromkeys(row.photos for row in rows if row.n):
        ratio = median_ratio(_of(rows, OURS, name), _of(rows, FINE_TUNE, name))
        if ratio is not None:
            photos = max(row.n + row.n_train for row in _of(rows, OURS, name))
            aim = TIMES_MANY if photos >= MANY_PHOTOS else TIMES_FEW
            yield (
                f"{name}: at least {aim} times faster than `fine_tune(4)`",
                f"{_times(ratio)} times",
                ratio >= aim,
            )
    found = paired(_of(rows, OURS), _of(rows, FINE_TUNE))
    if found is not None:
        high = found.interval[1]
        words = f"{100 * found.difference:+.1f} points, at most {100 * high:+.1f}"
        yield "error no more than `fine_tune(4)`'s, by 1 point", words, high <= MARGIN
    found, ratio = (
        paired(_of(rows, OURS), _of(rows, PROBE)),
        median_ratio(_of(rows, OURS), _of(rows, PROBE)),
    )
    if found is not None and ratio is not None:
        words = f"{100 * found.difference:+.1f} points, {_times(ratio)} times faster"
        yield "less error than the plain probe, and faster", words, found.difference < 0 and ratio > 1
    ratio = median_ratio(_of(rows, OURS_TUNED), _of(rows, FINE_TUNE))
    if ratio is not None:
        yield (
            f"fine-tuning at least {TIMES_TUNED} times faster",
            f"{_times(ratio)} times",
            ratio >= TIMES_TUNED,
        )
    yield from _judged_answers(rows)


def _judged_answers(rows: Sequence[Row]) -> Iterable[tuple[str, str, bool]]:
    ours, theirs = _of(rows, OUR_ANSWERS), _of(rows, THEIR_ANSWERS)
    if not ours:
        return
    mine, other = ours[-1].figures, theirs[-1].figures if theirs else None
    if other:
        one, many = other["one_ms"] / mine["one_ms"], mine["photos_s"] / other["photos_s"]
        yield (
            f"one photo at least {TIMES_ONE} times faster than `learn.predict`",
            f"{_times(one)} times",
            one >= TIMES_ONE,
        )
        yield (
            f"a folder at least {TIMES_FOLDER} times faster than `get_preds`",
            f"{_times(many)} times",
            many >= TIMES_FOLDER,
        )
    share = mine["photos_s"] / mine["limit_s"]
    yield f"at least {SHARE_OF_LIMIT:.0%} of the limit", f"{share:.0%}", share >= SHARE_OF_LIMIT

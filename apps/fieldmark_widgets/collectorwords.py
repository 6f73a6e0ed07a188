"""What came of collecting, as the page shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fieldmark.collect import CollectReport, Outcome
from fieldmark.errors import Cancelled
from fieldmark_widgets.strings.collector import COLLECTOR

MOST_REASONS = 8
"""Lines of what failed."""


def describe_collecting(report: CollectReport) -> dict[str, Any]:
    """Headline, what each class has, what failed and why, what the photos have in common."""
    key = "headline_one" if report.added == 1 else "headline" if report.added else "headline_none"
    copies = len(report.duplicates)
    return {
        "headline": COLLECTOR[key].format(n=f"{report.added:,}"),
        "classes": [
            {"label": label, "text": COLLECTOR["found"].format(have=report.have.get(label, 0), n=n)}
            for label, n in report.wanted.items()
        ],
        "problems": [f"{label}: {problem}" for label, problem in report.problems.items()],
        **_failed(report.failures),
        "duplicates": COLLECTOR["duplicates"].format(n=copies) if copies else "",
        "spread": report.spread.sentences(),
        "credits": COLLECTOR["credits"].format(path=report.credits.name) if report.credits.is_file() else "",
    }


def describe_stopped(stopped: Cancelled, came: Sequence[Outcome]) -> dict[str, Any]:
    """How much came, and what failed until then and why."""
    return {"headline": str(stopped), **_failed([outcome for outcome in came if outcome.status == "failed"])}


def _failed(failures: Sequence[Outcome]) -> dict[str, Any]:
    reasons = Counter(failure.reason for failure in failures)
    lines = [
        COLLECTOR["reason"].format(n=n, reason=reason) for reason, n in reasons.most_common(MOST_REASONS)
    ]
    rest = len(reasons) - len(lines)
    lines += [COLLECTOR["more"].format(n=rest)] if rest > 0 else []
    return {"n_failed": len(failures), "failed": lines}

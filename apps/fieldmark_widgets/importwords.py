"""What came of an import, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldmark.labels import escape_surrogates
from fieldmark.sources.importreport import ImportReport
from fieldmark_widgets.strings.importer import IMPORTER

MOST_NAMED = 50
"""Lines of each list."""


def describe_import(report: ImportReport, n_sealed: int = 0) -> dict[str, Any]:
    """Headline, what was sealed, and a list for everything that did not come as it was."""
    lists = (
        ("rejected", "red", [f"{escape_surrogates(r.path.as_posix())}: {r.reason}" for r in report.rejected]),
        ("conflicts", "amber", [
            IMPORTER["conflict"].format(name=d.name, label=d.label, of=d.of, of_label=d.of_label)
            for d in report.conflicts
        ]),
        ("duplicates", "quiet", [IMPORTER["duplicate"].format(name=d.name, of=d.of) for d in report.duplicates]),
        ("renamed", "quiet", [IMPORTER["rename"].format(name=r.name, path=r.path) for r in report.renamed]),
    )  # fmt: skip
    waiting = IMPORTER["unlabelled_one" if report.unlabelled == 1 else "unlabelled"]
    return {
        "waiting": waiting.format(n=f"{report.unlabelled:,}") if report.unlabelled else "",
        "headline": _headline(report),
        "sealed": IMPORTER["did_seal"].format(n=f"{n_sealed:,}") if n_sealed else "",
        "took": IMPORTER["took"].format(seconds=f"{report.seconds:.1f}"),
        "lists": [
            {"title": IMPORTER[name], "tone": tone, "n": len(lines), "lines": _first(lines)}
            for name, tone, lines in lists
            if lines
        ],
        "skipped": IMPORTER["skipped"].format(n=report.skipped) if report.skipped else "",
        "can_undo": report.act_id is not None,
        "act": report.act_id,
    }


def _headline(report: ImportReport) -> str:
    """Say how many came, and how many got a label that waited for one."""
    said = []
    if report.added or not report.labelled:
        key = "added_one" if report.added == 1 else "added" if report.added else "nothing_added"
        said.append(IMPORTER[key].format(n=f"{report.added:,}"))
    if report.labelled:
        key = "labelled_one" if report.labelled == 1 else "labelled"
        said.append(IMPORTER[key].format(n=f"{report.labelled:,}"))
    return ". ".join(said)


def _first(lines: Sequence[str]) -> list[str]:
    rest = len(lines) - MOST_NAMED
    return [*lines[:MOST_NAMED], *([IMPORTER["more"].format(n=rest)] if rest > 0 else [])]

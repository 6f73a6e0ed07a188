"""`write_repository`: a small repository that shows one model on Binder, and on anybody's machine, without torch."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from string import Template
from typing import Any

import nbformat

from fieldmark.errors import DatasetError
from fieldmark.modelfile import ModelCard
from fieldmark.predictor import Predictor
from fieldmark.stats import wilson
from fieldmark_share.folder import new_folder
from fieldmark_share.pins import pinned_requirements
from fieldmark_share.wheels import write_wheel

NO_ADDRESS = "OWNER/NAME"
"""Stands for the repository's address until it has one."""
_ADDRESS = re.compile(r"[\w.-]+/[\w.-]+")
EXECUTABLE = frozenset({"binder/start"})

CELLS = (
    "from fieldmark.predictor import Predictor\n"
    "from fieldmark_widgets import Classifier, build_or_explain, from_environment\n"
    "from IPython.display import display",
    "# The model of this folder, whatever the server around it has.\n"
    "corrections = from_environment().corrections\n"
    "classifier = build_or_explain(\n"
    '    lambda: Classifier(Predictor.load("model.onnx"), corrections=corrections)\n'
    ")",
    "display(classifier)",
)


def write_repository(model: Path, out: Path, *, title: str = "", address: str = NO_ADDRESS) -> Predictor:
    """Write a repository to push: notebook, model, pins, wheel, binder/ and a README with badge, card and credits.

    Args:
        title: of the page; the model's own where it is empty.
        address: OWNER/NAME of the repository on GitHub, for the badge.
    Raises:
        ModelFileError: the model does not work here.
        DatasetError: `out` is not empty, or the address is none.
    """
    if not _ADDRESS.fullmatch(address):
        raise DatasetError(
            f"{address!r} is no address of a repository. Write it as OWNER/NAME.", code="bad_address"
        )
    predictor = Predictor.load(model)
    title = title.strip() or predictor.card.title
    with new_folder(out) as folder:
        shutil.copyfile(model, folder / "model.onnx")
        wheel = write_wheel(folder / "wheels")
        nbformat.write(_notebook(title), folder / "classify.ipynb")
        facts = {"requirements": "\n".join([f"./wheels/{wheel.name}", *pinned_requirements()])}
        for name, text in _files(facts | _describe(predictor, title, address)).items():
            _write(folder / name, text, executable=name in EXECUTABLE)
    return predictor


def _files(facts: Mapping[str, str]) -> dict[str, str]:
    """The text files, by their place: each `files/a__b.in` is a template for a/b."""
    templates = resources.files("fieldmark_share").joinpath("files").iterdir()
    return {
        template.name.removesuffix(".in").replace("__", "/"): Template(
            template.read_text("utf-8")
        ).substitute(facts)
        for template in templates
        if template.name.endswith(".in")
    }


def _write(path: Path, text: str, *, executable: bool) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")
    if executable:
        path.chmod(0o755)


def _notebook(title: str) -> Any:
    cells = [nbformat.v4.new_markdown_cell(f"# {_plain(title)}"), *map(nbformat.v4.new_code_cell, CELLS)]
    for number, cell in enumerate(cells):
        cell["id"] = str(number)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "title": title, "voila": {"template": "fieldmark"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=about)


def _describe(predictor: Predictor, title: str, address: str) -> dict[str, str]:
    """What the README says of the model."""
    card = predictor.card
    kinds = [f"| {_plain(label)} | {card.classes.get(label, 0) or '–'} |" for label in predictor.vocab]
    owner_note = (
        "\n> After pushing: put your repository's address in the place of `OWNER/NAME` in this file, twice.\n"
        if address == NO_ADDRESS
        else ""
    )
    return {
        "title": _plain(title),
        "address": address,
        "owner_note": owner_note,
        "summary": _plain(card.summary),
        "kinds": "\n".join(kinds),
        "quality": _say_quality(card),
        "limits": "\n".join(f"- {_plain(limit)}" for limit in card.limits)
        or "- Nobody has written down any.",
        "source": _plain(card.source),
        "backbone": _plain(card.backbone),
        "made": _plain(card.made),
        "sha256": predictor.sha256,
        "fieldmark": _say_fieldmark(),
    }


def _say_quality(card: ModelCard) -> str:
    if not card.n_valid:
        return "It learned from no photo of its maker's, so nothing was held out to judge it by."
    low, high = (f"{100 * share:.1f}" for share in wilson(card.n_wrong, card.n_valid))
    share = f"{100 * card.n_wrong / card.n_valid:.1f}"
    return f"{card.n_wrong} of {card.n_valid} photos that were held out wrong: {share} %, 95 % interval {low}–{high}."


def _say_fieldmark() -> str:
    """Fieldmark, as a link where its address is known."""
    try:
        urls = metadata("fieldmark").get_all("Project-URL") or []
    except PackageNotFoundError:
        urls = []
    addresses = [url.partition(", ")[2] for url in urls if url.startswith("Repository, ")]
    known = [address for address in addresses if "OWNER" not in address]
    return f"[Fieldmark]({known[0]})" if known else "Fieldmark"


def _plain(text: str) -> str:
    """Text for Markdown in which nothing becomes a link, HTML or a row of a table."""
    return re.sub(r"([\\`*_\[\]<>|#&$])", lambda found: f"&#{ord(found[0])};", " ".join(text.split()))

"""Where photos come from: a folder, another dataset, a zip or tar, or a CSV; as one list of what to import."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import Catalog, is_catalog
from fieldmark.dataset import SPLIT_FOLDERS, Rejected
from fieldmark.errors import DatasetError, EmptyDatasetError
from fieldmark.labels import UNLABELLED, escape_surrogates
from fieldmark.sources.archives import archive_kind, unpack_archive
from fieldmark.sources.labelling import Labels, label_names
from fieldmark.sources.scan import DATA_SUFFIXES, scan_folder
from fieldmark.tables import TableRow, read_table

TABLE_SUFFIXES = frozenset((".csv", ".tsv", ".txt"))
EXPORT_TABLE = "labels.csv"
"""Table at the top of an exported folder; there it says what the labels are, and folders are only slugs."""
EXPORT_COLUMNS = (
    "path",
    "label",
    "split",
    "group",
    "sha256",
    "source",
    "licence",
    "author",
    "page",
    "captured",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be a photo."""

    file: Path
    """Where its bytes are."""
    name: str
    """What it is called in the source: relative, with slashes, without lone surrogates."""
    label: str
    """Empty where nothing tells, and it may wait for one."""
    split: str | None = None
    group: str | None = None
    source: str | None = None
    licence: str | None = None
    author: str | None = None
    page: str | None = None


@dataclass(frozen=True)
class Source:
    """What a source holds."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]
    """What has no class, or is listed and not there."""
    skipped: int
    """Hidden files and what systems leave behind."""
    unlabelled: tuple[Candidate, ...] = ()
    """What is rejected for its missing class only; it may come all the same, and be labelled later."""


def open_source(
    path: str | os.PathLike[str],
    staging: Path,
    *,
    labels: Labels = None,
    keep_unlabelled: bool = False,
    callback: Callback = silent,
) -> Source:
    """List what a source holds, for importing it.

    Args:
        path: a folder with a folder per class (perhaps below train, valid and test), a dataset folder, a zip
            or tar of such a folder, or a CSV with the columns path and label, and perhaps split and group.
            Paths in a CSV are relative to the folder it lies in. Also what other programs make: COCO and COCO Camera
            Traps, MegaDetector and SpeciesNet (crops), Hugging Face's imagefolder, a video (frames).
        staging: a folder that is not there yet, for unpacking an archive.
        labels: where labels come from; a CSV tells them itself.
        keep_unlabelled: whether photos that nothing labels come as well, to be labelled later.
        callback: told while an archive is unpacked.
    Raises:
        DatasetError: `missing`, `not_a_source`, `bad_table`, `bad_regex` or `slow_regex`.
        EmptyDatasetError: `no_photos` or `no_classes`.
        ArchiveError: an archive that is refused.
    """
    source = _opened(Path(path), staging, labels, callback)
    if keep_unlabelled:
        source = _with_unlabelled(source)
    _check_not_empty(Path(path), source)
    return source


def _opened(path: Path, staging: Path, labels: Labels, callback: Callback) -> Source:
    if not path.exists():
        raise DatasetError(
            f"There is no {str(path)!r}. Check how it is written and where you are.", code="missing"
        )
    if is_catalog(path):
        return _from_catalog(Catalog.open(path, write=False))
    from fieldmark.sources.foreign import open_foreign  # it makes what this module defines

    if (found := open_foreign(path, staging, callback)) is not None:
        return found
    if path.is_dir():
        return _from_folder(path, labels)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return _from_rows(
            read_table(path, needed=("path", "label")), lambda name: _listed_file(path.parent, name)
        )
    return _from_archive(path, staging, labels, callback)


def _from_folder(folder: Path, labels: Labels) -> Source:
    scan = scan_folder(folder)
    files = {_name(path, folder): path for path in (*scan.photos, *scan.others)}
    unreadable = [path for path in scan.others if not path.is_file()]
    rejected = [
        Rejected(path.relative_to(folder), "unreadable", "It cannot be read, or is no file.")
        for path in unreadable
    ]
    source = _from_files([(name, path) for name, path in files.items() if path not in unreadable], labels)
    return replace(source, rejected=(*rejected, *source.rejected), skipped=scan.skipped)


def _from_archive(path: Path, staging: Path, labels: Labels, callback: Callback) -> Source:
    looks_packed = path.suffix.lower() in {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz"}
    if not looks_packed and archive_kind(path) is None:
        raise DatasetError(
            f"{path.name!r} is no source of photos. A folder, a zip or tar of one, or a CSV with the columns path "
            "and label was expected.",
            code="not_a_source",
        )
    content = unpack_archive(path, staging, callback=callback)
    source = _from_files([(file.name, file.file) for file in content.files], labels)
    return replace(source, skipped=content.skipped)


def _from_files(files: Sequence[tuple[str, Path]], labels: Labels) -> Source:
    """Label files by their names, or by the table that an export put beside them."""
    table = None if labels is not None else _export_table(files)
    if table is not None:
        rows, base = table
        inside = {name: file for name, file in files if not _is_data(name)}
        return _from_rows(rows, lambda name: inside.get((base / name).as_posix()))
    photos = [(name, file) for name, file in files if not _is_data(name)]
    candidates, rejected, unlabelled = [], [], []
    for (name, file), (label, split) in zip(photos, label_names([n for n, _ in photos], labels), strict=True):
        if label is None:
            unlabelled.append(Candidate(file, name, UNLABELLED, split))
            rejected.append(
                Rejected(Path(name), "no_class", "Nothing says what it shows: no folder, no label.")
            )
        else:
            candidates.append(Candidate(file, name, label, split))
    return Source(tuple(candidates), tuple(rejected), 0, tuple(unlabelled))


def _export_table(files: Sequence[tuple[str, Path]]) -> tuple[list[TableRow], PurePosixPath] | None:
    """Find the table of an export: the only file of its name, with exactly its columns."""
    tables = [(PurePosixPath(name), file) for name, file in files if PurePosixPath(name).name == EXPORT_TABLE]
    if len(tables) != 1:
        return None
    name, file = tables[0]
    with file.open("rb") as table:
        first = table.readline(1000)
    if first.decode("utf-8-sig", "replace").strip() != ",".join(EXPORT_COLUMNS):
        return None
    return read_table(file, needed=("path", "label"), name=str(name)), name.parent


def _from_rows(rows: Sequence[TableRow], find: Callable[[str], Path | None]) -> Source:
    candidates, rejected, unlabelled = [], [], []
    for row in rows:
        name = escape_surrogates(row.cells.get("path", ""))
        file = find(row.cells["path"]) if "path" in row.cells else None
        fault = _row_fault(row.cells, file)
        if fault is not None or file is None:
            code, sentence = fault or ("missing", "")
            if code == "no_class" and file is not None:
                unlabelled.append(_row_candidate(row.cells, name, file))
            rejected.append(Rejected(Path(name), code, f"Line {row.line} of the table: {sentence}"))
        else:
            candidates.append(_row_candidate(row.cells, name, file))
    return Source(tuple(candidates), tuple(rejected), 0, tuple(unlabelled))


def _row_fault(cells: Mapping[str, str], file: Path | None) -> tuple[str, str] | None:
    split = cells.get("split", "train")
    if "path" not in cells:
        return "missing", "it names no photo."
    if "label" not in cells and file is not None:
        return "no_class", "it has no label."
    if split.strip().lower() not in SPLIT_FOLDERS:
        return "bad_split", f"the split {split!r} is none of train, valid and test."
    return ("missing", "there is no such file.") if file is None else None


def _row_candidate(cells: Mapping[str, str], name: str, file: Path) -> Candidate:
    split = SPLIT_FOLDERS[cells["split"].strip().lower()] if "split" in cells else None
    told = {key: cells.get(key) for key in ("group", "source", "licence", "author", "page")}
    return Candidate(file, name, cells.get("label", UNLABELLED), split, **told)


def _from_catalog(catalog: Catalog) -> Source:
    labelled, waiting = (
        tuple(
            Candidate(
                catalog.file_of(photo), photo.original_name, photo.label, photo.split, photo.group, photo.source,
                photo.licence, photo.author, photo.page,
            )
            for photo in catalog.photos(status=status)
        )
        for status in ("present", "unlabelled")
    )  # fmt: skip
    rejected = (Rejected(Path(photo.name), "no_class", "It waits for a label there.") for photo in waiting)
    return Source(labelled, tuple(rejected), 0, waiting)


def _with_unlabelled(source: Source) -> Source:
    """Take what has no class as well."""
    waiting = {Path(candidate.name) for candidate in source.unlabelled}
    rejected = (r for r in source.rejected if not (r.code == "no_class" and r.path in waiting))
    return replace(
        source, candidates=(*source.candidates, *source.unlabelled), rejected=tuple(rejected), unlabelled=()
    )


def _listed_file(base: Path, name: str) -> Path | None:
    """Find a file that a table names; Windows writes backslashes."""
    try:
        return next((path for path in (base / name, base / name.replace("\\", "/")) if path.is_file()), None)
    except (OSError, ValueError):  # a name that no disk takes
        return None


def _name(path: Path, root: Path) -> str:
    return escape_surrogates(path.relative_to(root).as_posix())


def _is_data(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in DATA_SUFFIXES


def _check_not_empty(path: Path, source: Source) -> None:
    if source.candidates:
        return
    if any(rejected.code == "no_class" for rejected in source.rejected):
        raise EmptyDatasetError(
            f"Nothing says what the photos in {path.name!r} show. A folder for each class was expected, named after "
            "it; or say how labels are read from the names; or take them without labels (“import --unlabelled”) and "
            "label them here.",
            code="no_classes",
        )
    missing = [rejected for rejected in source.rejected if rejected.code == "missing"]
    if missing and len(missing) == len(source.rejected):
        raise EmptyDatasetError(
            f"None of the photos that {path.name!r} lists is there, such as {str(missing[0].path)!r}. Put the list into the "
            "folder that its names begin in.",
            code="no_photos",
        )
    raise EmptyDatasetError(f"There are no photos in {path.name!r}.", code="no_photos")

"""Fetches the photos that the measurements run on; not one of them lies in this repository.

    make bench-data                            (or: python tests/bench/bench_data.py [bears ants_bees …])

photos.tsv names each photo by its public address and its git blob. What comes is kept only if it is that blob; it
goes to var/photos, larger photos scaled down as they were when everything here was measured. What is there already
is not fetched again. Licences differ, and photos that were scraped from the web have none: they are to measure with,
not to pass on.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
from PIL import Image, ImageOps

TABLE = Path(__file__).with_name("photos.tsv")
SHARED = Path(__file__).parents[3] / "shared" / "data"
HERE = Path(__file__).parents[2] / "var" / "photos"
RAW, API = "https://raw.githubusercontent.com", "https://api.github.com"
ATTEMPTS, TIMEOUT_S, AT_ONCE = 3, 30.0, 8


@dataclass(frozen=True)
class PhotoSet:
    """Photos of one repository, and how they are kept."""

    name: str
    repository: str
    commit: str
    longest_px: int | None
    quality: int
    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class Photo:
    """One photo, by where it comes from and where it goes."""

    blob: str
    """SHA-1 that git gives its bytes."""
    file: str
    """Path in the set's folder here."""
    path: str
    """Path in the repository."""


def find_set(name: str) -> Path | None:
    """Folder of a set: beside this repository, or fetched, or made; None where it has to be fetched first."""
    if name == "sample":
        return _sample()
    return next((folder / name for folder in (SHARED, HERE) if (folder / name).is_dir()), None)


def read_table(path: Path = TABLE) -> list[PhotoSet]:
    """Read which photos there are."""
    sets: list[tuple[list[str], list[Photo]]] = []
    for line in path.read_text("utf-8").splitlines():
        values = line.split("\t")
        if values[0] == "set":
            sets.append((values, []))
        elif not line.startswith("#"):
            sets[-1][1].append(_photo(values, sets[-1][0][6].replace("-", "")))
    return [
        PhotoSet(name, repository, commit, None if px == "-" else int(px), int(quality.replace("-", "90")), tuple(photos))
        for (_, name, repository, commit, px, quality, _), photos in sets
    ]  # fmt: skip


def _photo(values: Sequence[str], folder: str) -> Photo:
    blob, file, *other = values
    if not other:
        return Photo(blob, file, folder + file)
    stem = file.rpartition(".")[0]
    return Photo(blob, file, folder + stem + other[0] if other[0].startswith(".") else other[0])


def fetch(photos: PhotoSet, folder: Path, *, raw: str = RAW, api: str = API) -> dict[str, str]:
    """Fetch what is not there yet; gives why by file for photos that could not be had."""
    missing = [photo for photo in photos.photos if not (folder / photo.file).is_file()]
    with (
        httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        results = pool.map(lambda photo: _fetch_one(client, photos, photo, folder, raw, api), missing)
        return {photo.file: reason for photo, reason in zip(missing, results, strict=True) if reason}


def _fetch_one(client: httpx.Client, photos: PhotoSet, photo: Photo, folder: Path, raw: str, api: str) -> str:
    """Try each address until the right bytes come; an empty answer says that they did."""
    reason = ""
    for address, headers in _addresses(photos, photo, raw, api):
        content, reason = _get(client, address, headers)
        if content is None:
            continue
        if blob_name(content) != photo.blob:
            reason = "what came is another file (its hash differs)"
            continue
        _keep(folder / photo.file, _scaled(content, photos))
        return ""
    return reason


def _addresses(photos: PhotoSet, photo: Photo, raw: str, api: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The newest state, the commit in which it was seen, and git's own store, which keeps what was removed."""
    for commit in ("HEAD", photos.commit):
        yield f"{raw}/{photos.repository}/{commit}/{quote(photo.path)}", {}
    yield (
        f"{api}/repos/{photos.repository}/git/blobs/{photo.blob}",
        {"Accept": "application/vnd.github.raw+json"},
    )


def _get(client: httpx.Client, address: str, headers: dict[str, str]) -> tuple[bytes | None, str]:
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(2.0**attempt / 4)
        try:
            answer = client.get(address, headers=headers)
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__} at {address}"
            continue
        if answer.status_code == httpx.codes.OK:
            return answer.content, ""
        reason = f"{answer.status_code} at {address}"
        if answer.status_code < 500 and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            break
    return None, reason


def blob_name(content: bytes) -> str:
    """Name that git gives to these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _scaled(content: bytes, photos: PhotoSet) -> bytes:
    """Scale a larger photo down; what is small enough, or no photo, stays as it came."""
    if photos.longest_px is None:
        return content
    try:
        with Image.open(io.BytesIO(content)) as image:
            if max(image.size) <= photos.longest_px:
                return content
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError):
        return content
    upright.thumbnail((photos.longest_px, photos.longest_px), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=photos.quality)
    return out.getvalue()


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _sample() -> Path:
    """The patches of brick, grass and gravel that scikit-image's photographs give, always at hand."""
    from fieldmark.sources.sample import write_sample

    folder = HERE / "sample"
    if not folder.is_dir():
        write_sample(folder, mislabelled=False)
    return folder


def main() -> int:
    """Fetch the sets that were named, or all of them."""
    sets = {photos.name: photos for photos in read_table()}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("sets", nargs="*", help=f"of: {', '.join(sets)}; all where none is named")
    failed = 0
    for name in parser.parse_args().sets or sets:
        if name not in sets:
            parser.error(f"there is no set called {name!r}")
        count = len(sets[name].photos)
        print(f"{name}: {count} photos of github.com/{sets[name].repository} …", end=" ", flush=True)
        reasons = fetch(sets[name], HERE / name)
        failed += len(reasons)
        print(f"{count - len(reasons)} are in {HERE / name}.", flush=True)
        for file, reason in sorted(reasons.items())[:5]:
            print(f"  {file}: {reason}")
    if failed:
        print(f"{failed} photos could not be had. The same command tries these again.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

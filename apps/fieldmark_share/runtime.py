"""onnxruntime-web, which computes the model in a browser: three files of its npm package, taken once and kept.

They are not in this repository (14 MB, MIT). They come from a folder that is named, from the cache, or from npm,
which knows its registry itself. Whatever the way, they must be exactly the files that were tested.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fieldmark.cachefolder import cache_folder
from fieldmark.errors import FieldmarkError

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
NPM_TIMEOUT_S = 300

FILES = {
    "ort.wasm.min.js": "faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""SHA-256 of each."""

CREDIT = f"""{PACKAGE} {VERSION} (runtime.js, wasm.js) is MIT-licensed:

Copyright (c) Microsoft Corporation. All rights reserved.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


@dataclass(frozen=True)
class Runtime:
    """The files' content."""

    script: bytes
    glue: bytes
    wasm: bytes


def find_runtime(folder: Path | None = None) -> Runtime:
    """Give the runtime from `folder`, or else from the cache, or else from npm.

    Raises:
        FieldmarkError: `no_runtime`: it can be had from none of them.
    """
    if folder is not None:
        return _read(folder)
    kept = cache_folder(f"{PACKAGE}-{VERSION}")
    try:
        return _read(kept)
    except FieldmarkError:
        _fetch(kept)
    return _read(kept)


def _read(folder: Path) -> Runtime:
    """The files in a folder, or in `dist` below it (and below `package`, as npm packs it)."""
    places = [
        folder,
        folder / "dist",
        folder / "package" / "dist",
        folder / "node_modules" / PACKAGE / "dist",
    ]
    place = next((place for place in places if (place / "ort.wasm.min.js").is_file()), folder)
    contents = []
    for name, digest in FILES.items():
        path = place / name
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != digest:
            what = "is not that of" if content else "is missing; it belongs to"
            raise _no_runtime(f"{path} {what} {PACKAGE} {VERSION}")
        contents.append(content)
    return Runtime(*contents)


def _fetch(kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise _no_runtime("npm is not installed here")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise _no_runtime(f"npm could not fetch it ({type(exc).__name__})") from exc
        packed = sorted(Path(folder).glob("*.tgz"))
        if done.returncode or not packed:
            reason = (
                done.stderr.strip().splitlines() or ["it gave no reason; perhaps this machine is offline"]
            )[0]
            raise _no_runtime(f"npm could not fetch it: {reason}")
        _unpack(packed[0], kept)


def _unpack(packed: Path, kept: Path) -> None:
    """Only the three files, by name: nothing of an archive decides where it is written."""
    with tarfile.open(packed) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            if member is not None:
                unfinished = kept / f".{name}"
                unfinished.write_bytes(member.read())
                unfinished.replace(kept / name)


def _no_runtime(reason: str) -> FieldmarkError:
    return FieldmarkError(
        f"The page needs {PACKAGE} {VERSION}, which computes the model in the browser, and {reason}. Install npm and be "
        f"online once, or run `npm pack {PACKAGE}@{VERSION}` elsewhere, unpack it, and name the folder with --runtime DIR.",
        code="no_runtime",
    )

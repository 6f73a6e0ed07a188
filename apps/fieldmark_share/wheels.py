"""This very Fieldmark as a wheel, for a repository that is to run it: nothing of it need be published anywhere."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

import fieldmark
from fieldmark.errors import FieldmarkError

OF_THE_INSTALLER = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})


def write_wheel(folder: Path) -> Path:
    """Write the wheel, built from the checkout or put together again from what is installed.

    Raises:
        FieldmarkError: it can be made from neither.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkout = Path(fieldmark.__file__).parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "core" / "fieldmark").is_dir():
        return _build(checkout, folder)
    try:
        return _repack(distribution("fieldmark"), folder)
    except PackageNotFoundError as exc:
        raise _no_wheel("it is not installed as a package") from exc


def _build(checkout: Path, folder: Path) -> Path:
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted(folder.glob("fieldmark-*.whl"))
    if done.returncode or not found:
        raise _no_wheel((done.stderr.strip().splitlines() or ["pip gave no reason"])[-1])
    return found[0]


def _repack(installed: Distribution, folder: Path) -> Path:
    """Zip the installed files again, as the wheel they came from."""
    version = installed.version
    path = folder / f"fieldmark-{version}-py3-none-any.whl"
    info, data = f"fieldmark-{version}.dist-info", f"fieldmark-{version}.data"
    records = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in sorted(_installed_files(installed, data)):
            wheel.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            records.append((name, f"sha256={digest}", str(len(content))))
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows([*records, (f"{info}/RECORD", "", "")])
        wheel.writestr(f"{info}/RECORD", table.getvalue())
    return path


def _installed_files(installed: Distribution, data: str) -> Iterable[tuple[str, bytes]]:
    """Name in the wheel and content of each file that came from it."""
    for file in installed.files or ():
        path = PurePosixPath(file.as_posix())
        if (
            path.suffix == ".pyc"
            or path.name in OF_THE_INSTALLER
            or "bin" in path.parts
            or "Scripts" in path.parts
        ):
            continue
        parts = [part for part in path.parts if part != ".."]
        inside = "/".join(parts) if ".." not in path.parts else f"{data}/data/{'/'.join(parts)}"
        yield inside, Path(str(file.locate())).read_bytes()


def _no_wheel(reason: str) -> FieldmarkError:
    return FieldmarkError(
        f"Fieldmark's own wheel could not be made: {reason}. Install Fieldmark with pip, or run this in its repository.",
        code="no_wheel",
    )

"""Archives, good and hostile, for tests."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from fieldmark.errors import ArchiveError, FieldmarkError
from fieldmark.sources.archives import ArchiveContent, ArchiveLimits, unpack_archive

GOOD = {"a/1.jpg": b"one", "b/2.jpg": b"two" * 1000, "b/c/3.jpg": b""}


def zip_of(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tar_of(path: Path, files: Mapping[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def tar_with(path: Path, name: str, kind: bytes, target: str = "") -> Path:
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("a/before.jpg"))
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        archive.addfile(info)
    return path


def zip_with_mode(path: Path, mode: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/before.jpg", b"x")
        info = zipfile.ZipInfo("a/link.jpg")
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, "/etc/passwd")
    return path


def contents(content: ArchiveContent) -> dict[str, bytes]:
    return {file.name: file.file.read_bytes() for file in content.files}


def refusal(path: Path, into: Path, **options: ArchiveLimits) -> FieldmarkError:
    """Unpack what must be refused: the sentence names the file, and nothing is left behind."""
    before = sorted(into.parent.rglob("*"))
    with pytest.raises(ArchiveError) as caught:
        unpack_archive(path, into, **options)
    assert path.name in str(caught.value)
    assert sorted(into.parent.rglob("*")) == before
    return caught.value

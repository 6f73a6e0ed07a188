"""What a shared classifier runs on, pinned to the versions that run here: no torch, nothing that trains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRA = "show"
"""The extra of pyproject.toml that a page needs."""
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "python_version": "3.11"}
"""What Binder is, whatever this machine is."""


def pinned_requirements(*more: str) -> list[str]:
    """Every package below the extra and `more`, as name==version, sorted; without Fieldmark itself."""
    pins: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [*_requirements("fieldmark", {EXTRA}), *_show_requirements(), *map(Requirement, more)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        asked = name, frozenset(requirement.extras)
        if asked in seen or name == "fieldmark":
            continue
        seen.add(asked)
        try:
            pins[name] = f"{name}=={_without_build(distribution(name).version)}"
        except PackageNotFoundError:  # only needed on Linux, and this is not
            pins[name] = name
            continue
        waiting += _requirements(name, set(requirement.extras))
    return sorted(pins.values())


def _show_requirements() -> Iterator[Requirement]:
    """Named here too: an installation made before the extra was there does not know it."""
    yield from map(
        Requirement, ("anywidget", "ipykernel", "ipywidgets", "jupyter_server", "tornado", "voila")
    )


def _requirements(name: str, extras: set[str]) -> Iterator[Requirement]:
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**LINUX, "extra": extra}) for extra in ("", *extras)):
            yield requirement


def _without_build(version: str) -> str:
    return re.sub(r"\+.*", "", version)

"""What collecting may do here: at home everything public, behind a public server nothing until somebody allows it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from fieldmark.collectpermit import COLLECT, permit_from
from fieldmark.errors import CollectError

MIB = 1024 * 1024


@dataclass(frozen=True)
class Rules:
    """Bounds of what is fetched."""

    enabled: bool = True
    public_only: bool = False
    """Refuse private and loopback addresses, also behind redirects and names that change (FAULTS H48)."""
    max_bytes: int = 40 * MIB
    """Of one photo."""
    timeout_s: float = 30.0
    """From asking for a photo to its last byte."""
    per_host: int = 8
    """Connections to one server at a time; half of them each time it says that it is busy."""
    max_wait_s: float = 60.0
    """Longest that a server may ask us to wait; beyond that its photos fail, with that reason."""
    attempts: int = 3
    """For what may be passing: no connection, a server's error, "too many requests"."""
    contact: str = ""
    """Whom a server's keeper may write to; some sources ask for it."""

    def check(self) -> None:
        """Raise CollectError `off` where fetching is not allowed."""
        if not self.enabled:
            raise CollectError(
                "Fetching photos from elsewhere is switched off on this server. Bring a folder or a zip, or ask whoever "
                f"runs it to set {COLLECT}=public.",
                code="off",
            )

    @property
    def user_agent(self) -> str:
        """Who is asking, honestly."""
        contact = f"; {self.contact}" if self.contact else ""
        return f"Fieldmark/{_version()} (image classification; collects photos with their licences{contact})"


def rules_from_environment(environment: Mapping[str, str] | None = None) -> Rules:
    """Read FIELDMARK_COLLECT (see collectpermit.py) and FIELDMARK_CONTACT, at the edge of an app."""
    values = os.environ if environment is None else environment
    contact, permit = values.get("FIELDMARK_CONTACT", ""), permit_from(values)
    if permit == "off":
        return Rules(enabled=False, contact=contact)
    if permit == "public":
        return Rules(public_only=True, max_bytes=10 * MIB, timeout_s=10.0, contact=contact)
    return Rules(contact=contact)


def endpoints_from_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Read other addresses of the sources' APIs, such as a proxy's, by name: FIELDMARK_OPENVERSE_URL and so on."""
    values = os.environ if environment is None else environment
    found = {
        name: values.get(f"FIELDMARK_{name.upper()}_URL", "")
        for name in ("openverse", "inaturalist", "commons")
    }
    return {name: url for name, url in found.items() if url}


def _version() -> str:
    try:
        return version("fieldmark")
    except PackageNotFoundError:
        return "0"

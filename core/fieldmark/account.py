"""Who is signed in: a server with accounts tells the kernel of each page, so that what is decided there has a name.

    who = signed_in(os.environ)      # Account("Anna", "ranger"), or None where nobody was asked
    if who is None or who.may("ranger"): ...

A visitor runs no code in that kernel, and the server writes these values itself whatever a browser sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "ranger", "chief"]
"""viewer: looks · ranger: decides, trains · chief: settings as well. Each may what those before may."""
ROLES: tuple[Role, ...] = get_args(Role)

USER_HEADER, ROLE_HEADER = "X-Fieldmark-User", "X-Fieldmark-Role"
"""Headers that the server puts on a request, and Voilà into the environment of its kernel."""
USER, ROLE = "HTTP_X_FIELDMARK_USER", "HTTP_X_FIELDMARK_ROLE"


@dataclass(frozen=True)
class Account:
    """A person with a name and what they may do."""

    name: str
    role: Role

    def may(self, least: Role) -> bool:
        """Whether this role is at least that one."""
        return ROLES.index(self.role) >= ROLES.index(least)


def signed_in(environment: Mapping[str, str]) -> Account | None:
    """The person whose page this kernel belongs to; None on a server without accounts, and in a notebook."""
    name, role = environment.get(USER, ""), environment.get(ROLE, "")
    known = next((each for each in ROLES if each == role), ROLES[0])
    return Account(name, known) if name else None

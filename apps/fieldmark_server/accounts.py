"""The accounts of a server: names, roles and hashed passwords in one small file, which `fieldmark user` writes.

The file is looked at again whenever it changes: who was removed, or got another password, is out with the next click.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_server.auth.identity import PasswordIdentityProvider, User
from jupyter_server.auth.security import passwd, passwd_check
from tornado.web import RequestHandler
from traitlets import Unicode

from fieldmark.account import ROLES, Account, Role
from fieldmark.errors import StoreError

MAX_NAME = 60
FEWEST_SIGNS = 8
"""Of a password."""
FORMAT = 1


@dataclass(frozen=True)
class _Entry:
    account: Account
    hash: str

    @property
    def stamp(self) -> str:
        """Another one with every password, and no way back to it."""
        return hashlib.sha256(self.hash.encode()).hexdigest()[:16]


class Accounts:
    """The accounts in a file; none while it is missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._entries: dict[str, _Entry] = {}

    def all(self) -> list[Account]:
        """Everybody, by name."""
        return sorted((entry.account for entry in self._read().values()), key=lambda a: a.name.casefold())

    def find(self, name: str) -> Account | None:
        """The account of this name, upper and lower case being the same."""
        entry = self._read().get(_key(name))
        return entry.account if entry else None

    def check(self, name: str, password: str) -> Account | None:
        """The account that this name and password open; a name that nobody has takes as long as a wrong password."""
        entry = self._read().get(_key(name))
        opened = passwd_check(entry.hash if entry else self._nobody, password)  # type: ignore[no-untyped-call]
        return entry.account if entry and opened else None

    def stamp(self, name: str) -> str:
        """What a login is good for: until the password changes; "" where there is no such account."""
        entry = self._read().get(_key(name))
        return entry.stamp if entry else ""

    def put(self, name: str, role: Role, password: str) -> Account:
        """Make an account, or give one another role and password.

        Raises:
            StoreError: the name or the password will not do (`bad_account`), or the file.
        """
        account = Account(_checked_name(name), role)
        if len(password) < FEWEST_SIGNS:
            raise StoreError(f"A password has at least {FEWEST_SIGNS} signs.", code="bad_account")
        hashed = passwd(password)  # type: ignore[no-untyped-call]
        self._write({**self._read(), _key(name): _Entry(account, hashed)})
        return account

    def remove(self, name: str) -> None:
        """Take an account away.

        Raises:
            StoreError: there is none of this name (`no_account`).
        """
        entries = dict(self._read())
        if entries.pop(_key(name), None) is None:
            raise StoreError(f"There is no account {name[:MAX_NAME]!r} in {self.path}.", code="no_account")
        self._write(entries)

    @cached_property
    def _nobody(self) -> str:
        return str(passwd(secrets.token_hex(16)))  # type: ignore[no-untyped-call]

    def _read(self) -> dict[str, _Entry]:
        try:
            about = self.path.stat()
        except FileNotFoundError:
            self._seen, self._entries = None, {}
            return self._entries
        seen = (about.st_mtime_ns, about.st_ino)
        if seen != self._seen:
            self._entries = _parse(self.path)
            self._seen = seen
        return self._entries

    def _write(self, entries: dict[str, _Entry]) -> None:
        """Whole or not at all, and for nobody else on this machine to read."""
        users = [{"name": e.account.name, "role": e.account.role, "hash": e.hash} for e in entries.values()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(json.dumps({"format": FORMAT, "users": users}, indent=1, ensure_ascii=False).encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path)
        self._seen = None


class AccountsProvider(PasswordIdentityProvider):
    """Lets in who has an account, under their own name."""

    users = Unicode("", config=True, help="File of the accounts, as “fieldmark user” writes it.")

    @cached_property
    def accounts(self) -> Accounts:
        """Those in the file."""
        return Accounts(Path(self.users))

    @property
    def auth_enabled(self) -> bool:
        """Always: without accounts nobody gets in."""
        return True

    def process_login_form(self, handler: RequestHandler) -> User | None:
        """The person that name and password belong to."""
        name, password = (handler.get_body_argument(each, "") for each in ("name", "password"))
        account = self.accounts.check(name, password)
        return User(account.name) if account else None

    def account_of(self, user: Any) -> Account | None:
        """Who somebody is that was let in; None for a program with the server's token."""
        return self.accounts.find(user.username) if isinstance(user, User) else None

    def user_to_cookie(self, user: User) -> str:
        """What their browser keeps, signed."""
        return json.dumps({"name": user.username, "stamp": self.accounts.stamp(user.username)})

    def user_from_cookie(self, cookie_value: str) -> User | None:
        """Who that was, while account and password are the same."""
        kept = json.loads(cookie_value)
        stamp = self.accounts.stamp(kept["name"])
        return User(kept["name"]) if stamp and secrets.compare_digest(stamp, kept["stamp"]) else None


def account_of(handler: Any) -> Account | None:
    """Who a request comes from; None on a server without accounts, and for a program with a token."""
    provider = handler.identity_provider
    return provider.account_of(handler.current_user) if isinstance(provider, AccountsProvider) else None


def _parse(path: Path) -> dict[str, _Entry]:
    """Read the file.

    Raises:
        StoreError: it is none, or of a newer format.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["format"] != FORMAT:
            raise StoreError(
                f"{path} has format {found['format']!r}; this version reads {FORMAT}. Update Fieldmark.",
                code="newer_format",
            )
        entries = [
            _Entry(Account(_checked_name(u["name"]), _known(u["role"])), str(u["hash"]))
            for u in found["users"]
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{path} is no file of accounts. Make one: fieldmark user NAME --users FILE", code="bad_accounts"
        ) from error
    return {_key(entry.account.name): entry for entry in entries}


def _known(role: str) -> Role:
    return ROLES[ROLES.index(role)]  # a ValueError for another


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _checked_name(name: str) -> str:
    """A name as it is shown and kept.

    Raises:
        StoreError: it is empty, longer than `MAX_NAME`, or has signs that cannot be seen.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise StoreError(f"A name has 1 to {MAX_NAME} signs, all of which can be seen.", code="bad_account")
    return name

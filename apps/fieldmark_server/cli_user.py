"""`fieldmark user`: who may use a server, and what they may do there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fieldmark.account import ROLES
from fieldmark.cli.terminal import output, print_json
from fieldmark.errors import StoreError

USERS = Path("users.json")


def user(
    name: Annotated[str, typer.Argument(help="Whom to add or to change; nobody: list them.")] = "",
    users: Annotated[
        Path | None, typer.Option(help="File of the accounts; users.json in FIELDMARK_HOME without it.")
    ] = None,
    role: Annotated[
        str, typer.Option(help="viewer looks, ranger decides and trains, chief sets up as well.")
    ] = "ranger",
    remove: Annotated[bool, typer.Option("--remove", help="Take the account away.")] = False,
    password: Annotated[
        str | None, typer.Option(help="Asked for without it.", envvar="FIELDMARK_NEW_PASSWORD")
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
    ] = False,
) -> None:
    """Add, change, remove or list the accounts of a server: fieldmark user Anna --role ranger."""
    from fieldmark_server.accounts import Accounts

    accounts = Accounts(users or find_users())
    if name and remove:
        accounts.remove(name)
    elif name:
        chosen = next((known for known in ROLES if known == role), None)
        if chosen is None:
            raise StoreError(f"{role!r} is no role. Choose one of {', '.join(ROLES)}.", code="bad_role")
        secret = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        accounts.put(name, chosen, secret)
    listed = [{"name": account.name, "role": account.role} for account in accounts.all()]
    if json_output:
        print_json({"file": str(accounts.path), "users": listed})
        return
    for each in listed:
        output.print(f"{each['name']}\t{each['role']}")
    if not listed:
        output.print(f"Nobody is in {accounts.path} yet. Add somebody: fieldmark user NAME")
    elif name and not remove:
        output.print(f"They log in after: fieldmark serve --users {accounts.path}")


def find_users() -> Path:
    """The file of the accounts, beside models and datasets."""
    return Path(os.environ.get("FIELDMARK_HOME", "var")) / USERS

"""`fieldmark serve`: the apps as web pages."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from traitlets.config import Config

from fieldmark.errors import DatasetError, ModelFileError, ServiceError, StoreError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def serve(
    port: Annotated[
        int, typer.Option(help="Port to listen on; the next free one is taken.", min=1, max=65535)
    ] = 8866,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets others in.")] = "localhost",
    model: Annotated[Path | None, typer.Option(help="Model file to classify with.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of photos, or dataset, to work on.")] = None,
    station: Annotated[Path | None, typer.Option(help="Folder of the station that is watched.")] = None,
    studio: Annotated[
        bool | None,
        typer.Option(
            "--studio/--no-studio",
            help="Serve the studio, which reads folders here. Only to this computer, unless asked.",
        ),
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            help="Asked for before anything is shown.", envvar="FIELDMARK_PASSWORD", show_envvar=True
        ),
    ] = None,
    users: Annotated[
        Path | None,
        typer.Option(help="Everybody logs in with a name of their own: file of “fieldmark user”."),
    ] = None,
    seats: Annotated[
        int, typer.Option(help="Visitors at a time; “fieldmark deploy-check” says how many fit.", min=1)
    ] = 40,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Believe what nginx says of a visitor's address and https.")
    ] = False,
    base_url: Annotated[
        str, typer.Option(help="Path below the host's name, such as /apps/ behind a proxy.")
    ] = "/",
    token: Annotated[
        str | None,
        typer.Option(help="Opens the REST API to programs.", envvar="FIELDMARK_TOKEN", show_envvar=True),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name this server goes by, such as behind a proxy.")
    ] = None,
    open_browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = False,
) -> None:
    """Serve the apps in the browser."""
    os.environ.setdefault("FIELDMARK_HOME", str(Path("var").resolve()))
    if model is not None:
        os.environ["FIELDMARK_MODEL"] = str(_existing_model(model))
    if data is not None:
        os.environ |= _photos_to_work_on(_existing_folder(data))
    if station is not None:
        os.environ["FIELDMARK_STATION"] = str(_existing_folder(station))
    # jsonschema, which comes with Voilà, would build 38 grammars of addresses with it, more than half of the start,
    # to check a format that no schema of ours has; without it that check is left out.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from fieldmark_server.app import App  # half a second, which no other command should wait for

    private = host in LOOPBACK if studio is None else studio
    # libraries log through the instance
    app = App.instance(
        port=port, ip=host, open_browser=open_browser, private_apps=private, api_token=token or "",
        allowed_hosts=allow_host or [], base_url=_as_base_url(base_url), max_kernels=seats,
        behind_proxy=behind_proxy, config=_login(password, users),
    )  # fmt: skip
    app.on_ready = lambda link: _say_ready(link, wanted=port, got=app.port)
    app.initialize()
    app.start()


def _login(password: str | None, users: Path | None) -> Config:
    config = Config()
    if users is not None:
        from fieldmark_server.accounts import Accounts, AccountsProvider

        if not Accounts(users).all():
            raise StoreError(
                f"{users}: nobody could log in. Add somebody: fieldmark user NAME --users {users}",
                code="no_account",
            )
        config.App.identity_provider_class = AccountsProvider
        config.AccountsProvider.users = str(users.resolve())
    elif password:
        from jupyter_server.auth.security import passwd

        config.PasswordIdentityProvider.hashed_password = passwd(password)  # type: ignore[no-untyped-call]
    return config


def _as_base_url(text: str) -> str:
    """A path with slashes around; what would make an address ambiguous is refused."""
    path = text.strip("/")
    if not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)*|", path, re.ASCII) or {".", ".."} & set(path.split("/")):
        raise ServiceError(f"{text!r} is no path. Write it like /apps/.", code="bad_base_url")
    return f"/{path}/" if path else "/"


def _existing_model(path: Path) -> Path:
    if not path.is_file():
        raise ModelFileError(
            f"{path}: there is no such model file. “fieldmark train PHOTOS --out {path.name}” makes one.",
            code="no_model",
        )
    return path.resolve()


def _photos_to_work_on(folder: Path) -> dict[str, str]:
    """What the studio is told: a dataset is opened where it is, another folder is offered for importing."""
    from fieldmark.catalog import is_catalog

    if is_catalog(folder):
        return {"FIELDMARK_DATASETS": str(folder.parent)}
    return {"FIELDMARK_DATA": str(folder)}


def _existing_folder(path: Path) -> Path:
    if not path.is_dir():
        raise DatasetError(f"{path}: there is no such folder.", code="no_folder")
    return path.resolve()


def _say_ready(link: str, *, wanted: int, got: int) -> None:
    if got != wanted:
        typer.echo(f"Port {wanted} is taken; this is {got}.")
    typer.echo(f"Fieldmark is ready: {link}\nCtrl-C stops it.")

"""The server of the apps: Voilà with pages of our own, and only the routes that they need.

Visitors get no code execution, no file, no notebook source, and nothing that comes from elsewhere. How Voilà
behaves by default, and why each of these settings is here, is written beside it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import signal
import socket
import time
import webbrowser
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import FileFindHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.utils import url_path_join
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from traitlets import Bool, Integer, List, Unicode, default
from traitlets.config import Config
from voila.app import Voila
from voila.static_file_handler import MultiStaticFileHandler

from fieldmark.account import ROLE_HEADER, USER_HEADER
from fieldmark.collectpermit import permit_for_others
from fieldmark.errors import FieldmarkError
from fieldmark.models.places import find_datasets, find_jobs, find_models
from fieldmark.service.jobs import JobBook
from fieldmark.service.service import Service
from fieldmark_server.apptable import APPS, find_apps, find_notebooks
from fieldmark_server.assets import AssetHandler
from fieldmark_server.backend import LOOPBACK, Backend
from fieldmark_server.channel import KernelChannel
from fieldmark_server.demostation import PLACE, DemoHandler, DemoStation, offered
from fieldmark_server.goodbye import GoodbyeHandler
from fieldmark_server.login import LoginPage, LogoutPage
from fieldmark_server.pages import AppPage, MissingPage, StartPage, describe_page
from fieldmark_server.rest import log_request
from fieldmark_server.routes import api_routes
from fieldmark_server.visitors import Visitors

TEMPLATES = Path(__file__).parent / "templates"

HTTP_LIMITS = {
    "max_header_size": 64 * 1024,
    # Of a login or a job; photos for the API have their own limit, and those of a page come another way.
    "max_body_size": 1024 * 1024,
}

KERNEL = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        # Components arrive as text through the kernel's connection and are loaded from a blob. The hash is that
        # of `window.voila_heartbeat()`, which Voilà writes into a page that takes long.
        "script-src 'self' blob: 'sha256-m16tKAZfrqdfaIlK4k9Uc4bmwJm0z0f+0b2ahSGv/Ko='",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)


class App(Voila):  # type: ignore[misc]  # voila carries no types
    """Serves the apps of Fieldmark to anybody who has the link."""

    name = "fieldmark"

    max_kernels = Integer(
        40, config=True, help="Visitors at a time; each has a kernel of some 55 MB, 200 in the studio."
    )
    private_apps = Bool(False, config=True, help="Serve the apps that read folders of this computer.")
    ports_tried = Integer(20, config=True, help="How many ports to try from the wanted one upwards.")
    api_token = Unicode("", config=True, help="What opens the REST API to programs, besides a login.")
    allowed_hosts = List(
        Unicode(),
        config=True,
        help="Names this server goes by; without any, every name where others are let in.",
    )
    behind_proxy = Bool(
        False, config=True, help="Believe what a proxy says of the client's address and protocol."
    )
    patience_s = Integer(
        30,
        config=True,
        # A page asks every ten seconds while it is looked at.
        help="Seconds after which slow headers and bodies, and connections that nothing comes from, are ended.",
    )
    unclaimed_s = Integer(
        120, config=True, help="Seconds after which a kernel ends that no page has connected to."
    )
    drain_s = Integer(
        20, config=True, help="Seconds for photos that are being answered when the server ends."
    )

    on_ready: Callable[[str], None] | None = None
    """Called with the link once the server listens."""

    def initialize(self, argv: list[str] | None = None) -> None:
        """Read the settings; configuration files of Voilà's lying about are not among them."""
        self.update_config(_hardening())
        super().initialize(argv or [])
        for log in (self.log, logging.getLogger("tornado.general")):
            log.addFilter(_is_news)
        logging.getLogger("tornado.access").setLevel(logging.ERROR)  # who mistypes an address is no news

    @default("root_dir")
    def _default_root_dir(self) -> str:
        return str(find_notebooks())

    def setup_template_dirs(self) -> None:
        """Put our templates in front of Voilà's."""
        super().setup_template_dirs()
        self.template_paths: list[str] = [str(TEMPLATES), *self.template_paths]

    def start(self) -> None:
        """Take a port first: kernels are started with the address of the service in their environment."""
        self._sockets = self._bind()
        os.environ |= self.backend.announce(f"http://{_reachable(self._sockets)}{self.base_url}")
        if self.serves_others:
            os.environ |= permit_for_others(os.environ, known=not self.backend.public)
        if self.demo is not None:
            os.environ["FIELDMARK_DEMO_URL"] = url_path_join(self.base_url, PLACE)
        self.backend.service.start()
        super().start()

    @property
    def serves_others(self) -> bool:
        """Whether anybody but whoever started it may come: over the network, through a proxy, with a password."""
        return (
            self.ip not in LOOPBACK
            or bool(self.allowed_hosts)
            or self.behind_proxy
            or not self.backend.public
        )

    @cached_property
    def backend(self) -> Backend:
        """What the handlers share."""
        is_public = not (
            self.token
            or self.config.PasswordIdentityProvider.get("hashed_password")
            or self.config.AccountsProvider.get("users")
        )
        token = self.api_token or self.token or ""
        jobs = JobBook(find_jobs(os.environ), find_datasets(os.environ))
        service = Service(*find_models(os.environ))
        return Backend(service, jobs, public=is_public, token=token, patience_s=self.patience_s)

    @cached_property
    def demo(self) -> DemoStation | None:
        """The simulated station, where the dashboard is served and no real station is watched."""
        return offered(os.environ) if self.private_apps else None

    def init_settings(self) -> dict[str, Any]:
        """Settings of the web server."""
        settings: dict[str, Any] = super().init_settings()
        self.identity_provider.login_handler_class = LoginPage
        return {
            **settings,
            # A page of elsewhere can make its name point to this machine and so read what is served here (DNS
            # rebinding); it cannot make a browser send another name.
            "allow_remote_access": self.ip not in LOOPBACK and not self.allowed_hosts,
            "local_hostnames": ["localhost", *self.allowed_hosts],
            "log_function": log_request,
            "default_handler_class": MissingPage,
            "headers": {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "same-origin"},
            # Ours send at most 1 MiB at a time; an endless message must not fill the memory.
            "websocket_max_message_size": 4 * 1024 * 1024,
            "serve_traceback": False,
        }

    def init_handlers(self) -> list[Any]:
        """Every route there is. Voilà's own list has more: files, notebooks' contents, a folder view."""
        cards = find_apps(Path(self.root_dir), private=self.private_apps)
        names = "|".join(card.name for card in cards)
        visitors = Visitors(self.max_kernels)
        app = {
            "voila_configuration": self.voila_configuration,
            "template_paths": self.template_paths,
            "config": self.config,
            "visitors": visitors,
            "unclaimed_s": self.unclaimed_s,
        }
        routes = [
            (r"/", StartPage, {"cards": cards, "demo": PLACE if self.demo else ""}),
            (rf"/({names})/?", AppPage, app),
            (r"/assets/([\w.]+)", AssetHandler, {}),
            (rf"/api/kernels/{KERNEL}", KernelHandler, {}),
            (rf"/api/kernels/{KERNEL}/channels", KernelChannel, {"visitors": visitors}),
            (rf"/voila/api/shutdown/{KERNEL}", GoodbyeHandler, {}),
            (r"/voila/static/(.*)", MultiStaticFileHandler, {"paths": self.static_paths}),
            (r"/voila/labextensions/(.*)", FileFindHandler, {"path": self.labextensions_path}),
        ]
        if self.demo is not None:
            routes += [(f"/{PLACE}", DemoHandler, {"demo": self.demo})]
        if not self.backend.public:
            routes += [(r"/login", LoginPage, {}), (r"/logout", LogoutPage, {})]
        ours = [(url_path_join(self.base_url, route), *rest) for route, *rest in routes]
        return [*ours, *api_routes(self.base_url, self.backend)]

    def listen(self) -> None:
        """Serve until Ctrl-C or SIGTERM, after telling the link."""
        patience = {"idle_connection_timeout": self.patience_s, "body_timeout": self.patience_s}
        self.http = HTTPServer(self.app, xheaders=self.behind_proxy, **patience, **HTTP_LIMITS)
        self.http.add_sockets(self._sockets)
        self.ioloop = IOLoop.current()
        signal.signal(signal.SIGINT, self._handle_signal_stop)  # as Voilà does with SIGTERM
        if self.on_ready is not None:
            self.on_ready(self.display_url)
        if self.open_browser:
            webbrowser.open(self.display_url)
        try:
            self.ioloop.start()
        finally:
            self.stop()

    def _handle_signal_stop(self, sig: int, frame: object) -> None:
        self.ioloop.add_callback_from_signal(self._drain)

    async def _drain(self) -> None:
        """Let nobody in any more, answer whoever is in, then end."""
        self.http.stop()
        self.backend.draining.set()
        end = time.monotonic() + self.drain_s
        while self.backend.active and time.monotonic() < end:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(self.backend.service.stop)
        await asyncio.sleep(0.1)  # the last answers are being written
        self.ioloop.stop()

    def stop(self) -> None:
        """End the model and every kernel; one that is only just starting cannot be ended, so it is waited for."""
        self.backend.service.stop()
        self.backend.jobs.close()
        if self.demo is not None:
            self.demo.stop()
        self.ioloop.run_sync(self._end_kernels)
        shutil.rmtree(self.connection_dir, ignore_errors=True)

    async def _end_kernels(self) -> None:
        starting = [task for pool in self.kernel_manager._pools.values() for task in pool]
        await asyncio.gather(*starting, return_exceptions=True)
        await self.kernel_manager.shutdown_all(now=True)  # what they write survives a kill

    def _bind(self) -> list[socket.socket]:
        """Take the first free port from the wanted one upwards."""
        wanted: int = self.port
        for port in range(wanted, wanted + self.ports_tried):
            try:
                sockets = bind_sockets(port, self.ip)
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise FieldmarkError(
                        f"Cannot listen on {self.ip}: {error.strerror}.", code="no_port"
                    ) from error
            else:
                self.port: int = port
                return sockets
        raise FieldmarkError(
            f"Ports {wanted} to {wanted + self.ports_tried - 1} are all taken. Choose another with --port.",
            code="no_port",
        )


def _reachable(sockets: list[socket.socket]) -> str:
    """The address at which kernels on this machine reach one of the sockets."""
    first = next((one for one in sockets if one.family == socket.AF_INET), sockets[0])
    host, port = first.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _hardening() -> Config:
    """What a public server sets differently from Voilà's defaults."""
    config = Config()
    config.Voila.config_file_paths = []
    config.VoilaConfiguration.update(
        file_allowlist=[],
        show_tracebacks=False,
        allow_template_override="NO",
        allow_theme_override="NO",
        # Pages put there who is logged in, and nothing that a browser sends.
        http_header_envs=[USER_HEADER, ROLE_HEADER],
        # A notebook is run before somebody comes: the page opens without waiting for a kernel to start.
        preheat_kernel=True,
        default_pool_size=1,
        page_config_hook=describe_page,
    )
    # Not one that shows what there is when it runs (the datasets, and results), nor one that trains.
    private = [rf".*{card.name}\.ipynb" for card in APPS.values() if card.is_private]
    config.VoilaKernelManager.preheat_denylist = private
    # The next one as soon as the page that took one is most likely there. Voilà waits for a second, and with it whoever
    # comes meanwhile; at once, both would be made on the same processors, and the page take twice as long.
    config.VoilaKernelManager.fill_delay = 0.4
    # Pages say goodbye when they are closed; this is for those that cannot, and for tabs that nobody looks at.
    config.MappingKernelManager.update(cull_idle_timeout=3600, cull_interval=60, cull_connected=True)
    # Other people on this machine cannot listen to what a kernel and the server tell each other.
    config.KernelManager.transport_encryption = "auto"
    config.Voila.log_level = logging.WARNING
    return config


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line belongs in the log; what is as it should be does not.

    Jupyter trusts a notebook's outputs, ours has none; and it waits longer for a pong than tornado thinks it can.
    """
    message = record.getMessage()
    return "is not trusted" not in message and not message.startswith("The websocket_ping_timeout")

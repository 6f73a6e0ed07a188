"""The server of the apps: Voilà with pages of our own, and only the routes that they need.

Visitors get no code execution, no file, no notebook source, and nothing that comes from elsewhere. How Voilà
behaves by default, and why each of these settings is here, is written beside it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import shutil
import signal
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import FileFindHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.utils import url_path_join
from tornado.ioloop import IOLoop
from traitlets import Bool, Integer, default
from traitlets.config import Config
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import MultiStaticFileHandler

from fieldmark.errors import FieldmarkError
from fieldmark_server.apptable import APPS, find_apps, find_notebooks
from fieldmark_server.assets import AssetHandler
from fieldmark_server.pages import AppPage, KernelChannel, MissingPage, StartPage, describe_page
from fieldmark_server.visitors import Visitors

TEMPLATES = Path(__file__).parent / "templates"

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

    max_kernels = Integer(40, config=True, help="Visitors at a time; each has a kernel of some 200 MB.")
    private_apps = Bool(False, config=True, help="Serve the apps that read folders of this computer.")
    ports_tried = Integer(20, config=True, help="How many ports to try from the wanted one upwards.")

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

    def init_settings(self) -> dict[str, Any]:
        """Settings of the web server."""
        settings: dict[str, Any] = super().init_settings()
        return {
            **settings,
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
        app = {
            "voila_configuration": self.voila_configuration,
            "template_paths": self.template_paths,
            "config": self.config,
            "visitors": Visitors(self.max_kernels),
        }
        routes = [
            (r"/", StartPage, {"cards": cards}),
            (rf"/({names})/?", AppPage, app),
            (r"/assets/([\w.]+)", AssetHandler, {}),
            (rf"/api/kernels/{KERNEL}", KernelHandler, {}),
            (rf"/api/kernels/{KERNEL}/channels", KernelChannel, {}),
            (rf"/voila/api/shutdown/{KERNEL}", VoilaShutdownKernelHandler, {}),
            (r"/voila/static/(.*)", MultiStaticFileHandler, {"paths": self.static_paths}),
            (r"/voila/labextensions/(.*)", FileFindHandler, {"path": self.labextensions_path}),
        ]
        return [(url_path_join(self.base_url, route), *rest) for route, *rest in routes] + [
            *self.identity_provider.get_handlers()
        ]

    def listen(self) -> None:
        """Listen on the first free port, tell the link, and serve until Ctrl-C or SIGTERM."""
        self.port = self._bind()
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

    def stop(self) -> None:
        """End every kernel; one that is only just starting cannot be ended, so it is waited for."""
        self.ioloop.run_sync(self._end_kernels)
        shutil.rmtree(self.connection_dir, ignore_errors=True)

    async def _end_kernels(self) -> None:
        starting = [task for pool in self.kernel_manager._pools.values() for task in pool]
        await asyncio.gather(*starting, return_exceptions=True)
        await self.kernel_manager.shutdown_all(now=True)  # what they write survives a kill

    def _bind(self) -> int:
        for port in range(self.port, self.port + self.ports_tried):
            try:
                self.app.listen(port, self.ip)
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise FieldmarkError(
                        f"Cannot listen on {self.ip}: {error.strerror}.", code="no_port"
                    ) from error
            else:
                return port
        raise FieldmarkError(
            f"Ports {self.port} to {self.port + self.ports_tried - 1} are all taken. Choose another with --port.",
            code="no_port",
        )


def _hardening() -> Config:
    """What a public server sets differently from Voilà's defaults."""
    config = Config()
    config.Voila.config_file_paths = []
    config.VoilaConfiguration.update(
        file_allowlist=[],
        show_tracebacks=False,
        allow_template_override="NO",
        allow_theme_override="NO",
        # A notebook is run before somebody comes: the page opens without waiting for a kernel to start.
        preheat_kernel=True,
        default_pool_size=1,
        page_config_hook=describe_page,
    )
    # Not one that shows what there is when it runs (the datasets, and results), nor one that trains.
    private = [rf".*{card.name}\.ipynb" for card in APPS.values() if card.is_private]
    config.VoilaKernelManager.preheat_denylist = private
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

"""The service inside a Jupyter server (JupyterLab, JupyterHub, Binder): the same API, and kernels that find it.

Whoever has the server's token may run any code there anyway, so nothing is hardened here; see `app` for a server
that anybody may visit.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from jupyter_server.extension.application import ExtensionApp

from fieldmark.collectpermit import permit_for_others
from fieldmark.models.places import find_datasets, find_jobs, find_models
from fieldmark.service.jobs import JobBook
from fieldmark.service.service import Service
from fieldmark_server.backend import LOOPBACK, Backend
from fieldmark_server.routes import api_routes


class Extension(ExtensionApp):
    """Adds the API; the model is loaded when it is first asked for, or at once where FIELDMARK_WARM is set (Binder)."""

    name = "fieldmark_server"
    load_other_extensions = True

    @cached_property
    def backend(self) -> Backend:
        """What the handlers share."""
        models = [path.resolve() for path in find_models(os.environ)]
        jobs = JobBook(find_jobs(os.environ).resolve(), find_datasets(os.environ).resolve())
        return Backend(Service(*models), jobs, public=False)

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(api_routes("/", self.backend))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Tell kernels where the service is; only now is the server's port known. Where others come, their kernels
        collect from public addresses only: not that code could not do otherwise, but no widget should help with it.
        """
        if serverapp.ip not in LOOPBACK:
            os.environ |= permit_for_others(os.environ, known=True)
        if serverapp.certfile or serverapp.sock:
            return  # they load the model themselves
        host = "127.0.0.1" if serverapp.ip in ("", "*", "0.0.0.0", "::") else serverapp.ip
        address = f"http://{f'[{host}]' if ':' in host else host}:{serverapp.port}{serverapp.base_url}"
        os.environ |= self.backend.announce(address)
        if os.environ.get("FIELDMARK_WARM"):
            self.backend.service.start()  # beside the rest of the server's start; returns at once

    async def stop_extension(self) -> None:
        """End the model's process and the jobs with the server."""
        self.backend.service.stop()
        self.backend.jobs.close()

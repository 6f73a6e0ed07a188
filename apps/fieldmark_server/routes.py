"""The routes of the API, the same in both adapters."""

from __future__ import annotations

from typing import Any

from jupyter_server.utils import url_path_join

from fieldmark_server.backend import API, Backend
from fieldmark_server.classify import ClassifyHandler
from fieldmark_server.jobhandlers import JobHandler, JobModelHandler, JobsHandler
from fieldmark_server.openapi import describe_api
from fieldmark_server.rest import (
    ApiHandler,
    LiveHandler,
    MetricsHandler,
    MissingRoute,
    ModelsHandler,
    ReadyHandler,
)


class DocumentHandler(ApiHandler):
    """The OpenAPI description."""

    def get(self) -> None:
        """Give it."""
        self.send(describe_api(self.base_url))


def api_routes(base_url: str, backend: Backend) -> list[tuple[str, type[ApiHandler], dict[str, Any]]]:
    """Every route of the API."""
    handlers: dict[str, type[ApiHandler]] = {
        "classify": ClassifyHandler,
        "models": ModelsHandler,
        "live": LiveHandler,
        "ready": ReadyHandler,
        "metrics": MetricsHandler,
        r"openapi\.json": DocumentHandler,
        "jobs": JobsHandler,
        "jobs/([0-9a-f]{12})": JobHandler,
        "jobs/([0-9a-f]{12})/model": JobModelHandler,
        ".*": MissingRoute,
    }
    return [
        (url_path_join(base_url, API, path), handler, {"backend": backend})
        for path, handler in handlers.items()
    ]

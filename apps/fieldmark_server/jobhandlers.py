"""Jobs over HTTP: started, watched, stopped. Only for who has a token or is logged in: they read folders here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tornado import web

from fieldmark.service.jobs import KINDS, Job
from fieldmark_server.rest import ApiError, ApiHandler


class JobsHandler(ApiHandler):
    """All jobs, and a new one."""

    def get(self) -> None:
        """List them, the latest first; without results, which may be long."""
        self.send({"jobs": [_record(job, whole=False) for job in self.backend.jobs.all()]})

    def post(self) -> None:
        """Put one in the queue."""
        kind, dataset = _read_wish(self.request.body)
        self.send(_record(self.backend.jobs.start(kind, dataset)), 202)


class JobHandler(ApiHandler):
    """One job."""

    def get(self, job_id: str) -> None:
        """Say how it stands."""
        try:
            self.send(_record(self.backend.jobs.get(job_id)))
        except KeyError as error:
            raise web.HTTPError(404) from error

    def delete(self, job_id: str) -> None:
        """Stop it."""
        try:
            self.send(_record(self.backend.jobs.cancel(job_id)), 202)
        except KeyError as error:
            raise web.HTTPError(404) from error


def _read_wish(body: bytes) -> tuple[str, str]:
    try:
        wish = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "bad_request", "Send a JSON object with kind and dataset.") from error
    if not isinstance(wish, dict) or wish.keys() != {"kind", "dataset"}:
        raise ApiError(400, "bad_request", "Send a JSON object with kind and dataset.")
    if wish["kind"] not in KINDS:
        raise ApiError(400, "bad_request", f"kind is one of {', '.join(KINDS)}.")
    if not isinstance(wish["dataset"], str):
        raise ApiError(400, "bad_request", "dataset is the name of a dataset.")
    return wish["kind"], wish["dataset"]


def _record(job: Job, *, whole: bool = True) -> dict[str, Any]:
    record = asdict(job)
    return record if whole else {name: value for name, value in record.items() if name != "result"}

"""Jobs over HTTP: started, watched, stopped. Only for who has a token or is logged in: they read folders here."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from tornado import web

from fieldmark.service.jobs import KINDS, Job
from fieldmark_server.rest import ApiError, ApiHandler

PIECE_BYTES = 256 * 1024


class JobsHandler(ApiHandler):
    """All jobs, and a new one."""

    def get(self) -> None:
        """List them, the latest first; without results, which may be long."""
        self.send({"jobs": [_record(job, whole=False) for job in self.backend.jobs.all()]})

    def post(self) -> None:
        """Put one in the queue."""
        self.refuse_below("ranger")
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
        self.refuse_below("ranger")
        try:
            self.send(_record(self.backend.jobs.cancel(job_id)), 202)
        except KeyError as error:
            raise web.HTTPError(404) from error


class JobModelHandler(ApiHandler):
    """The model file that a training made."""

    async def get(self, job_id: str) -> None:
        """Send it, a piece at a time."""
        try:
            job, path = self.backend.jobs.get(job_id), self.backend.jobs.find_model(job_id)
        except KeyError as error:
            raise web.HTTPError(404) from error
        if path is None:
            raise ApiError(
                404, "no_result", f"This job has no model: it is a {job.kind} that is {job.state}."
            )
        with path.open("rb") as file:  # what is read stays whole, also where the job is forgotten meanwhile
            self.set_header("Content-Type", "application/octet-stream")
            self.set_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            name = quote(f"{job.dataset}.onnx", safe="")
            self.set_header(
                "Content-Disposition", f"attachment; filename=\"model.onnx\"; filename*=UTF-8''{name}"
            )
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                self.write(piece)
                await self.flush()  # waits for a slow client, so that no file is in memory as a whole


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

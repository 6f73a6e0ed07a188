"""The OpenAPI 3.1 description of the API, made from the same facts that the handlers use."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, get_args

from fieldmark.service.jobs import KINDS, State
from fieldmark_server.classify import MAX_TOP_K
from fieldmark_server.photobody import MAX_FILES, MAX_NAME

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
JOB_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{12}$"},
}
COUNT: Schema = {"type": "integer", "minimum": 0}


def describe_api(base_url: str) -> Schema:
    """Give the document; `base_url` is the server's own, with slashes around."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fieldmark",
            "version": version("fieldmark"),
            "description": "Classifies photos. Errors have one shape, with a word for programs and a sentence for people.",
        },
        "servers": [{"url": f"{base_url}fieldmark/api/v1"}],
        "security": [{"token": []}],
        "paths": {
            "/classify": {"post": _classify()},
            "/models": {"get": _get("The models that answer.", "Models", starting=True)},
            "/live": {"get": _get("Whether the server is up.", "Live", is_open=True)},
            "/ready": {"get": _ready()},
            "/metrics": {"get": _metrics()},
            "/jobs": {"get": _get("All jobs, the latest first.", "Jobs"), "post": _start_job()},
            "/jobs/{id}": {**_job(), "parameters": [JOB_ID]},
            "/jobs/{id}/model": {**_job_model(), "parameters": [JOB_ID]},
            "/openapi.json": {"get": _get("This document.", "Document")},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
            "responses": {"Error": _json("What went wrong.", "Error")},
        },
    }


def _classify() -> Schema:
    photo: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = _object(
        {"files": {"type": "array", "items": photo, "minItems": 1, "maxItems": MAX_FILES}}, "files"
    )
    return {
        "operationId": "classify",
        "summary": "Say what photos show, in their order; one that cannot be read is a failure in its place.",
        "security": [{"token": []}, {}],
        "parameters": [
            _query(
                "top_k",
                {"type": "integer", "minimum": 1, "maximum": MAX_TOP_K},
                "Only the likeliest classes.",
            ),
            _query("map", {"type": "boolean"}, "Also where the model looked."),
            _query("label", STRING, "The class of that map; that of the answer where none is named."),
            _query(
                "name",
                {"type": "string", "maxLength": MAX_NAME},
                "What the photo is called, where it is sent bare.",
            ),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/octet-stream": {"schema": {}},
                "image/*": {"schema": {}},
            },
        },
        "responses": {
            "200": _json("An answer for each photo.", "Answers"),
            **_errors(400, 403, 408, 413, 415, 503, 504),
        },
    }


def _get(summary: str, schema: str, *, is_open: bool = False, starting: bool = False) -> Schema:
    return {
        "operationId": schema.lower(),
        "summary": summary,
        **({"security": []} if is_open else {}),
        "responses": {"200": _json(summary, schema), **_errors(403, *((503,) if starting else ()))},
    }


def _ready() -> Schema:
    described = _get("Whether photos are answered, by which model, and how many are waiting.", "Ready")
    described["responses"]["503"] = _json("No model answers just now.", "Ready")
    return described


def _start_job() -> Schema:
    wish = _object({"kind": {"enum": list(KINDS)}, "dataset": STRING}, "kind", "dataset")
    return {
        "operationId": "startJob",
        "summary": "Check a dataset, or train a model on it; beside everything else, and one after the other.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {**wish, "additionalProperties": False}}},
        },
        "responses": {"202": _json("It waits for its turn.", "Job"), **_errors(400, 403, 404, 503)},
    }


def _job() -> Schema:
    return {
        "get": {
            "operationId": "job",
            "summary": "How a job stands, and its result.",
            "responses": {"200": _json("The job.", "Job"), **_errors(403, 404)},
        },
        "delete": {
            "operationId": "stopJob",
            "summary": "Stop a job within seconds; one that is over stays as it is.",
            "responses": {"202": _json("The job as it is now.", "Job"), **_errors(403, 404)},
        },
    }


def _job_model() -> Schema:
    content: Schema = {"application/octet-stream": {}}
    return {
        "get": {
            "operationId": "jobModel",
            "summary": "The model file that a training made.",
            "responses": {"200": {"description": "The file.", "content": content}, **_errors(403, 404)},
        }
    }


def _metrics() -> Schema:
    content = {"text/plain": {"schema": STRING}}
    return {
        "operationId": "metrics",
        "summary": "Numbers, as Prometheus reads them.",
        "responses": {"200": {"description": "The numbers.", "content": content}, **_errors(403)},
    }


def _schemas() -> Schema:
    failure = _object(
        {"name": STRING, "failure": _object({"code": STRING, "reason": STRING}, "code", "reason")}, "failure"
    )
    side: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    drawn = _object(
        {"values": {"type": "array", "items": {"type": "array", "items": SHARE}}, "region": side}, "values"
    )
    prediction = _object(
        {
            "name": STRING,
            "label": STRING,
            "prob": SHARE,
            "probs": {"type": "object", "additionalProperties": SHARE},
            "verdict": {"enum": ["familiar", "unsure", "unfamiliar"]},
            "familiarity_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "map": drawn,
        },
        "name", "label", "prob", "probs", "verdict", "familiarity_p",
    )  # fmt: skip
    model = _object(
        {"sha256": SHA256, "vocab": {"type": "array", "items": STRING}, "card": {"type": "object"}},
        "sha256", "vocab", "card",
    )  # fmt: skip
    error = _object({"code": STRING, "reason": STRING, "request_id": STRING}, "code", "reason", "request_id")
    ready = {
        "ready": {"type": "boolean"},
        "model_sha256": {"anyOf": [SHA256, {"type": "null"}]},
        **dict.fromkeys(("waiting", "waiting_max", "in_flight", "restarts"), COUNT),
    }
    some = {"type": ["object", "null"]}
    job = {
        **dict.fromkeys(("id", "kind", "dataset", "made"), STRING),
        "state": {"enum": list(get_args(State))},
        "ended": {"type": ["string", "null"]},
        **dict.fromkeys(("progress", "result", "error"), some),
    }
    results = {"type": "array", "items": {"oneOf": [prediction, failure]}}
    return {
        "Answers": _object({"model_sha256": SHA256, "results": results}, "model_sha256", "results"),
        "Models": _object({"models": {"type": "array", "items": model}}, "models"),
        "Jobs": _object(
            {"jobs": {"type": "array", "items": _object(job, "id", "kind", "dataset", "state", "made")}},
            "jobs",
        ),
        "Job": _object(job, *job),
        "Live": _object({"status": {"const": "live"}}, "status"),
        "Ready": _object(ready, *ready),
        "Document": {"type": "object"},
        "Error": _object({"error": error}, "error"),
    }


def _object(properties: Schema, *required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _json(description: str, schema: str) -> Schema:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _errors(*statuses: int) -> Schema:
    return {str(status): {"$ref": "#/components/responses/Error"} for status in statuses}


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}

"""What a server of one's own starts from: a Dockerfile with all that it copies, and a snippet for nginx."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from string import Template

from fieldmark_share.deploy import FILES_FLOOR, Report
from fieldmark_share.folder import new_folder
from fieldmark_share.pins import pinned_requirements
from fieldmark_share.wheels import write_wheel

UNMEASURED_SEATS = 10
FOR_THE_COMMAND = ("rich", "typer")
"""What `fieldmark serve` needs beyond a page."""


def write_deployment(report: Report, out: Path, model: Path | None) -> None:
    """Write Dockerfile, requirements.txt, wheels/, nginx.conf and, where one was named, the model.

    Raises:
        DatasetError: `out` is not empty.
    """
    with new_folder(out) as folder:
        wheel = write_wheel(folder / "wheels")
        pins = pinned_requirements(*FOR_THE_COMMAND)
        (folder / "requirements.txt").write_text("\n".join([f"./wheels/{wheel.name}", *pins, ""]), "utf-8")
        (folder / "Dockerfile").write_text(dockerfile(report), "utf-8")
        (folder / "nginx.conf").write_text(nginx_conf(), "utf-8")
        if model is not None:
            shutil.copyfile(model, folder / "model.onnx")


def dockerfile(report: Report) -> str:
    """The recipe of an image that serves model.onnx as nobody in particular."""
    machine = report.machine
    return _fill(
        "Dockerfile.in",
        memory=f"{machine.memory_mb:.0f}",
        cpus=f"{machine.cpus:g}",
        seats="unknown" if report.seats is None else str(report.seats),
        places=str(max(1, UNMEASURED_SEATS if report.seats is None else report.seats)),
        files=str(max(FILES_FLOOR, 4 * FILES_FLOOR)),
    )


def nginx_conf(
    *,
    listen: str = "80",
    server_name: str = "fieldmark.example",
    upstream: str = "127.0.0.1:8866",
    base_url: str = "/",
) -> str:
    """The snippet for nginx; `base_url` is where the apps stand below the host's name, as the server was told."""
    return _fill(
        "nginx.conf.in", listen=listen, server_name=server_name, upstream=upstream, base_url=base_url
    )


def _fill(name: str, **words: str) -> str:
    return Template(
        (resources.files("fieldmark_share") / "deploy_files" / name).read_text("utf-8")
    ).substitute(words)

"""`fieldmark share`: one's own classifier as a link. `fieldmark deploy-check`: a server of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldmark.cli.terminal import output, print_json


def share(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="A model file.")],
    out: Annotated[Path, typer.Option(help="The folder to write; it must be new or empty.")],
    title: Annotated[str, typer.Option(help="Title of the page.")] = "",
    repo: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="Where it will be on GitHub, for the badge.")
    ] = "OWNER/NAME",
    static: Annotated[
        bool,
        typer.Option("--static", help="Write a page that needs no server: it classifies in the browser."),
    ] = False,
    runtime: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of npm's onnxruntime-web, for --static; without it, npm gets it."
        ),
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
    ] = False,
) -> None:
    """Write a small repository, or a page, that shows a model to anybody with the link."""
    from fieldmark_share import (  # a second, which no other command should wait for
        write_page,
        write_repository,
    )

    if static:
        write_page(model, out, title=title, runtime=runtime)
        advice = f"Open {out / 'index.html'}, or put the folder on any web host: it asks nobody for anything."
    else:
        write_repository(model, out, title=title, address=repo)
        advice = (
            f"Push it: cd {out} && git init && git add . && git commit -m 'My classifier', then to GitHub."
        )
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    size = sum((out / name).stat().st_size for name in files)
    if json_output:
        print_json({"out": str(out), "static": static, "files": files, "bytes": size})
    else:
        output.print(f"Wrote {out}: {len(files)} files, {size / 1e6:.0f} MB. {advice}")


def deploy_check(
    memory: Annotated[str | None, typer.Option(help="Memory of the machine it is for, such as 2GB.")] = None,
    cpus: Annotated[float | None, typer.Option(help="Its processors.", min=0.1, max=1024)] = None,
    model: Annotated[Path | None, typer.Option(help="The model that will be served.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write a Dockerfile and an nginx snippet there; must be new or empty.")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Start the server and visit it; half a minute.")
    ] = True,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
    ] = False,
) -> None:
    """Say what is not safe yet, and how many visitors fit into a machine."""
    from fieldmark_share.deploy import report
    from fieldmark_share.deployfiles import write_deployment
    from fieldmark_share.machine import this_machine
    from fieldmark_share.probe import measure as measure_server

    machine = this_machine(memory, cpus)
    result = report(machine, measure_server(model) if measure else None)
    if out is not None:
        write_deployment(result, out, model)
    if json_output:
        print_json(result.as_dict())
    else:
        signs = {"ok": "  ok ", "look": "look ", "fix": " FIX "}
        found = result.measured
        output.print(f"{machine.memory_mb:.0f} MB, {machine.cpus:g} processors.")
        if found is not None:
            output.print(
                f"Start {found.start_s:.1f} s; page {found.warm_s:.1f} s warm, {found.cold_s:.1f} s cold. Server "
                f"{found.base_mb:.0f} MB, each visitor {found.visitor_mb:.0f} MB ({found.counted})."
            )
        for finding in result.findings:
            output.print(f"{signs[finding.level]} {finding.what}: {finding.text}")
        if out is not None:
            output.print(f"Wrote {out}: Dockerfile, nginx.conf and what they need.")
    if not result.safe:
        raise typer.Exit(1)

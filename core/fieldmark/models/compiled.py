"""Compiled graphs, kept between processes: to load one takes a third of the time of compiling it.

What the engine makes of a graph is good for this processor, this version of the engine and these settings, so all of
that is in the name of the file. Where it cannot be kept, or is not as it was, the graph is compiled as if it were new.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from fieldmark.models.backbone import write_whole
from fieldmark.models.vino import ov

DIGEST_BYTES = 32
"""In front of what is kept: its SHA-256."""
MOST_KEPT = 12
"""Those used last; one takes about as much of the disk as its model file."""


def compile_graph(
    core: ov.Core, graph: Callable[[], ov.Model], settings: Mapping[str, str], *, name: str = ""
) -> ov.CompiledModel:
    """Compile a graph for this CPU, or load what was made of the same one before.

    Args:
        graph: gives it, once it is needed.
        name: what tells this graph, in this shape, from any other; without a name nothing is kept.
    """
    if not name:
        return core.compile_model(graph(), "CPU", dict(settings))
    with suppress(OSError, RuntimeError, ImportError):  # not kept yet, or damaged
        return _load(core, _place(core, settings, name), settings)
    compiled = core.compile_model(graph(), "CPU", dict(settings))
    with suppress(OSError, RuntimeError, ImportError):  # there is no room, or no folder of one's own
        _keep(compiled, _place(core, settings, name))
    return compiled


def _place(core: ov.Core, settings: Mapping[str, str], name: str) -> Path:
    from fieldmark.cachefolder import cache_folder  # which needs a library that a bare engine does without

    # Of a virtual machine the name alone says little.
    able = sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    processor = core.get_property("CPU", "FULL_DEVICE_NAME"), able, os.cpu_count()
    facts = repr((name, sorted(settings.items()), processor, ov.get_version()))
    return cache_folder("compiled") / f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}.blob"


def _load(core: ov.Core, path: Path, settings: Mapping[str, str]) -> ov.CompiledModel:
    """Load what was kept; the engine itself would take changed weights for good ones."""
    kept = memoryview(path.read_bytes())
    digest, content = kept[:DIGEST_BYTES], kept[DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise OSError(f"{path} is not as it was written")
    with suppress(OSError):  # of a cache that may only be read
        os.utime(path)
    return core.import_model(BytesIO(content), "CPU", dict(settings))


def _keep(compiled: ov.CompiledModel, path: Path) -> None:
    content = compiled.export_model().getbuffer()

    def write(unfinished: Path) -> None:
        with unfinished.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)

    write_whole(path, write)
    oldest_first = sorted(path.parent.glob("*.blob"), key=lambda one: one.stat().st_mtime)
    for old in oldest_first[:-MOST_KEPT]:
        old.unlink(missing_ok=True)

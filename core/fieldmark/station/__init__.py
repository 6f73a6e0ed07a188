"""The station: watches cameras with a model, the way a park does.

A frame's way: spool → validate → deduplicate → store → predict → event → rules → review → outbox. One process, the
worker, writes the store; whoever looks only reads, and posts reviews to the worker.

    ingest.py    frames in          events.py   visits out of frames     reviews.py  what people say
    stages.py    what may leave     outbox.py   what leaves              worker.py   all of it, for hours

`fieldmark station --help` is its command line.
"""

from __future__ import annotations

__all__: list[str] = []

"""Memory that a training frees is kept for its next step, instead of given back to the system and fetched again.

glibc maps every large block anew, and the system fills each of its pages with zeros at first touch: with maps of some
70 MB, made and dropped many times in a step, 10,000 pages a photo, which was a fifth of the time of a step on two cores
(73 ms a photo with it, 59 without).

In another thread than a process's first it takes MALLOC_ARENA_MAX=1 in the environment, as the apps' kernels have it:
a thread's own heap is too small for such maps.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Of <malloc.h>: number of the setting, its value while a network trains, and afterwards what glibc ends up with by itself.
_SETTINGS = {
    "M_MMAP_MAX": (-4, 0, 65_536),
    "M_TRIM_THRESHOLD": (-1, -1, 2**26),
    "M_MMAP_THRESHOLD": (-3, 2**25, 2**25),
}


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Use around training on a CPU; what was kept is given back at the end. Other systems than glibc's are left alone."""
    libc = _glibc()
    if libc is None:
        yield
        return
    for setting, kept, _ in _SETTINGS.values():
        libc.mallopt(setting, kept)
    try:
        yield
    finally:
        for setting, _, usual in _SETTINGS.values():
            libc.mallopt(setting, usual)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") and hasattr(libc, "mallopt") else None

"""The environment that a measured process of ours gets: Python keeps what it compiled, as in any installation.

Where PYTHONDONTWRITEBYTECODE is set, as on many build machines, and the code is imported from a checkout, every
process compiles a hundred modules again; the peers' packages come compiled. Nothing is written into the checkout.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


@cache
def as_installed() -> dict[str, str]:
    """This environment, and a folder with all of Fieldmark compiled; nothing is compiled twice."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir(), "fieldmark-bytecode"))
    packages = [*CHECKOUT.glob("core/fieldmark"), *CHECKOUT.glob("apps/fieldmark_*")]
    compiling = [sys.executable, "-m", "compileall", "-q", *map(str, packages)]
    subprocess.run(compiling, env=environment, check=True)
    return environment

"""`python -m fieldmark` and the `fieldmark` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; without its libraries, say which extra brings them."""
    try:
        from fieldmark.cli.main import run
    except ModuleNotFoundError as exc:
        if exc.name in {"typer", "rich"}:
            sys.stderr.write("The command line needs fieldmark[train]: pip install 'fieldmark[train]'\n")
            return 1
        raise
    return run()


if __name__ == "__main__":
    sys.exit(main())

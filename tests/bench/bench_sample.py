"""Folder to model on photos that are always at hand: patches of three photographs that scikit-image ships.

    make bench-sample                         (or: python tests/bench/bench_sample.py)

A minute without fastai. Brick, grass and gravel are far too easy to say anything about error; what this shows is
that the measurement works where nothing can be fetched.
"""

from __future__ import annotations

import sys

from bench_train import SYSTEMS, main

if __name__ == "__main__":
    sys.exit(main(SYSTEMS[:2], sets="sample"))

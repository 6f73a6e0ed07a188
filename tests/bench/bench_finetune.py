"""Fine-tuning against fastai's `fine_tune`: same photos, same split, same weights, same recipe, same epochs.

    make bench-finetune                       (or: python tests/bench/bench_finetune.py [--sets …] [--seeds …])

The two systems of bench_train.py that train the whole network, one frozen epoch and four of everything, and nothing
else; its options and its rows.
"""

from __future__ import annotations

import sys

from bench_train import main
from report import FINE_TUNE
from systems import OURS_TUNED

if __name__ == "__main__":
    sys.exit(main([OURS_TUNED, FINE_TUNE]))

"""Cleaning: how well wrong labels, odd photos and copies are found, beside cleanlab and fastai; and how fast.

    make bench-clean

Labels are made wrong on purpose (5, 10, 20 %; to any other class, and to the class that is most often confused
with it), and the average precision of each ranking of all photos is taken. cleanlab 2.9 (Apache-2.0) gets the
same out-of-fold probabilities as the learner has; it runs where CLEANLAB_PYTHON or this interpreter has it.
fastai's top losses come from `fine_tune` on the same wrong labels, asked about the photos it was trained on, as
its cleaner does; it runs where FASTAI_PYTHON or this interpreter has it, timm and platformdirs. Bears with one seed
and 10 % to fastai; FULL=1 runs ants_bees and sign_digits, three seeds, and all of it through fastai, which takes
hours. In pieces, and of those some: SEEDS="0 1", RATES=0.10, HOWS=uniform (or confusion):

    python tests/bench/bench_clean.py noise ants_bees       (also: odd, copies, speed, kills)

The ranking of labels was chosen on these very sets (of some 25), so no figure of it is held out. That of odd ones was
chosen on bears and food (of 19); ants_bees and sign_digits took no part in that.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cleanbench import copies, kills, noise, odd, speed

SHARED = Path(__file__).parents[3] / "shared" / "data"
PARTS = {"noise": noise.run, "odd": odd.run, "copies": copies.run, "speed": speed.run, "kills": kills.run}


def main() -> int:
    """Run the parts that are named on the command line, or all."""
    wanted = [name for name in sys.argv[1:] if name in PARTS] or list(PARTS)
    missed = []
    for name in wanted:
        print(f"--- {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            if not PARTS[name](SHARED, Path(folder)):
                missed.append(name)
    print(f"goals missed in: {', '.join(missed)}" if missed else "all goals met")
    return 0


if __name__ == "__main__":
    sys.exit(main())

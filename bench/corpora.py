"""Where the corpora of the benchmarks are: beside the repository, or in the folder that FOURS_CORPORA names."""

import os
from pathlib import Path

CORPORA = Path(os.environ.get("FOURS_CORPORA", "../shared/corpora"))
# What the pack `songbook` was trained on.
SONGBOOK_FOLDERS = ("openewld_pd", "mutopia", "openscore_lieder")

"""Real music, read by ours and by other readers: the same notes at the same seconds.

All of the corpora agree with mido and miditoolkit note by note; docs/files.md has the figures and says where others differ, and why.
`python -m bench readers` compares more files and more readers.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.training.readers import are_same, by_mido, by_symusic, by_us

EVERY = 60


@pytest.fixture(scope="module")
def files(corpora: Path) -> Sequence[Path]:
    return sorted(corpora.rglob("*.mid"))[::EVERY]


def test_mido_has_the_same_notes_at_the_same_seconds(files: Sequence[Path]) -> None:
    assert len(files) > 30
    for path in files:
        assert are_same(by_us(path), by_mido(path), 1e-6), path


def test_symusic_has_the_same_notes_as_near_as_its_own_numbers_are(files: Sequence[Path]) -> None:
    for path in files:
        assert are_same(by_us(path), by_symusic(path), 0.003), path

"""The answer to a phrase that quotes itself keeps closer to it, and ends as any other answer."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from statistics import fmean

import pytest

from model.analysis.bars import COMMON_BARS
from model.approach import Approach
from model.improvising.improviser import PlannedNote
from model.improvising.improvisers import create_improviser
from model.improvising.novelty import outline_of, self_quoting
from model.improvising.rhythm import Rhythm
from model.improvising.sampling_settings import SamplingSettings
from model.notes import Note
from model.pack.dummy_pack import DummyPack
from model.phrasing.phrase_ends import Ending, PhraseEnds

RIFF = [Note(60 + (0, 7, 5, 3, 10, 7, 2, 3)[index % 8], index / 2, 0.5, 80) for index in range(32)]
START_BEATS, UNTIL_BEATS = 16.0, 32.0
# Six in seven notes of the last bar are its last.
ENDS = PhraseEnds((0.85,) * 5, (0.85,) * 5, *((1.0,) * 12,) * 4, 1.0, (1.0,), (0.0,))
BOTH = pytest.mark.parametrize("approach", ["pitch", "event"])


def answer(approach: Approach, settings: SamplingSettings, random_seed: int) -> Sequence[PlannedNote]:
    pack = DummyPack()
    improviser = create_improviser(pack.engine(approach, "cpu"), pack.vocabulary(approach), pack.memory(approach))
    for note in RIFF:
        improviser.hear(note, COMMON_BARS)
    rhythm = Rhythm.from_notes(RIFF) if approach == "pitch" else None
    settings = replace(settings, bars=COMMON_BARS, rhythm=rhythm, rhythm_from_beats=START_BEATS)
    return list(improviser.compose(START_BEATS, UNTIL_BEATS, settings, Random(random_seed)))


def of_memory(approach: Approach, settings: SamplingSettings, *, in_last_bar: bool = False) -> float:
    """The mean part of the notes' probability that came from memory, before the last bar or in it."""
    planned = [note for random_seed in range(8) for note in answer(approach, settings, random_seed)]
    return fmean(note.memory_share for note in planned if (note.note.onset_beats >= UNTIL_BEATS - 4.0) == in_last_bar)


@BOTH
def test_the_answer_to_a_riff_comes_from_memory_more(approach: Approach) -> None:
    plain = SamplingSettings()
    of_network = [1.0 - of_memory(approach, replace(plain, self_quoting=share)) for share in (1.0, 0.0)]
    assert of_network[0] < of_network[1] / 2


@BOTH
def test_without_a_memory_a_riff_changes_nothing_before_times_are_drawn(approach: Approach) -> None:
    nothing = SamplingSettings(memory=0.0)
    plain, riff = (answer(approach, replace(nothing, self_quoting=share), 1) for share in (0.0, 1.0))
    assert all(note.memory_share == 0.0 for note in (*plain, *riff))


@BOTH
def test_in_its_last_bar_the_answer_to_a_riff_ends_as_any_other(approach: Approach) -> None:
    ending = Ending(ENDS, COMMON_BARS, START_BEATS, UNTIL_BEATS)
    onsets = [
        answer(approach, SamplingSettings(self_quoting=share, ending=ending), random_seed)[-1].note.onset_beats
        for share in (0.0, 1.0)
        for random_seed in range(6)
    ]
    assert all(onset >= ending.from_beats for onset in onsets)


def test_the_phrase_of_these_tests_quotes_itself() -> None:
    assert self_quoting(outline_of(RIFF)) == 1.0

"""How an answer is composed: how boldly to sample, the notes allowed, the rhythm, and how much the memory counts."""

from dataclasses import dataclass

from model.analysis.bars import Bars
from model.defaults import FITTED_HARMONY, FITTED_STRENGTH
from model.harmony.changes import Changes
from model.harmony.preference.chord_preference import ChordPreference, SongStrengths
from model.improvising.melodic_motion import Melody
from model.improvising.novelty import Novelty
from model.improvising.rhythm import Rhythm
from model.improvising.varied_rhythm import VariedRhythm
from model.notes import MAX_CHORD_NOTES
from model.phrasing.parallel_rhythm import ParallelRhythm
from model.phrasing.phrase_ends import Ending


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """What `Improviser.compose` follows. One value holds for one call.

    Both approaches:

    - `temperature` divides the logits. `top_p` keeps the likeliest tokens that together hold this much probability.
    - `pitches` are the MIDI pitches that may be played; None allows all. Where none of them can be played, all can.
    - No note begins in the last `closing_beats` of an answer, so that the answer ends on a held note.
    - `bars` says where bars begin, which the memory counts with; None where that is not known.
    - `ending` says how the answer ends in its last bar; None for a plain end, on a note that is held until the time is over.
    - `memory` is the weight of what was heard in this jam, from 0 (the network alone) to 1.
    - `learn_answer`: the answer is remembered too, as the player's notes are.
    - `novelty` limits how much of the answer quotes the player's phrases; None sets no limit. `answer_outline` holds the highest
      pitch of each onset that the answer has played so far, which is what `novelty` compares, and `answer_onsets` the beats of these onsets.
    - `self_quoting` is how much the phrase quotes itself, from 0 to 1 (`model.improvising.novelty`): the answer to a riff keeps closer to it.
    - `melody` makes pitches likelier that people would move to; None leaves that to network and memory.
    - `changes` are the chords that the answer is played over, None for none, and `harmony` is how much it keeps to them, from 0 to 1.
      Chords are those of the notes as they sound, `transpose` semitones above the composed ones. `chord_preference` is what the pack has learnt of notes over chords, and `song_strengths`
      how much each of its tables counts in this song, None for as much as in all songs: the improviser sets both. Without a preference the chords change nothing.

    Approach 1 (`pitch`): a note comes every `step_beats`; or, where there is a `rhythm`, in that rhythm, whose first
    period begins at beat `rhythm_from_beats`.

    Approach 2 (`event`): the time between notes is `time_scale` times the learnt one, and at most `max_chord` notes
    sound together. `parallel` is the rhythm of the phrase over the answer, which some of its bars keep to; None where it has none of its own.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    step_beats: float = 0.5
    rhythm: Rhythm | VariedRhythm | None = None
    rhythm_from_beats: float = 0.0
    time_scale: float = 1.0
    max_chord: int = MAX_CHORD_NOTES
    pitches: frozenset[int] | None = None
    closing_beats: float = 0.0
    bars: Bars | None = None
    ending: Ending | None = None
    memory: float = FITTED_STRENGTH
    learn_answer: bool = False
    novelty: Novelty | None = None
    answer_outline: tuple[int, ...] = ()
    answer_onsets: tuple[float, ...] = ()
    self_quoting: float = 0.0
    melody: Melody | None = None
    changes: Changes | None = None
    harmony: float = FITTED_HARMONY
    transpose: int = 0
    chord_preference: ChordPreference | None = None
    song_strengths: SongStrengths | None = None
    parallel: ParallelRhythm | None = None

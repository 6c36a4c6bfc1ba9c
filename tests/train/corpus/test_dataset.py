import hashlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.notes import CHORD_BEATS, Note
from model.tokens.time_bins import BinChoice, TimeBins
from model.tokens.vocabulary import START, EventVocabulary, PitchVocabulary
from tests.music import exercise, line, tune
from tests.tokens import encode_notes
from train.corpus import dataset
from train.corpus.corpora import Line
from train.corpus.dataset import (
    TRANSPOSITIONS,
    event_vocabulary,
    pieces_in_memory,
    pieces_on_disk,
    pitch_vocabulary,
    pitches_of,
    shifts_of,
    tokens_of_line,
    transposing,
)

EVENTS = EventVocabulary(tuple(range(48, 85)), TimeBins((0.25, 0.5, 1.0, 4.0), (0.375, 0.75, 2.0)))
PITCHES = PitchVocabulary(EVENTS.pitches)

# From within a hand's spread, and just at its edge, to bars; in tens of ms, as hands play.
GAPS = st.one_of(
    st.sampled_from([0.0, CHORD_BEATS, CHORD_BEATS / 2, np.nextafter(CHORD_BEATS, 0), *EVENTS.bins.edges, 0.5, 5.0]),
    st.floats(0.0, 0.1),
    st.floats(0.0, 8.0),
)
PLAYED = st.lists(st.tuples(st.integers(0, 127), GAPS), max_size=40)


def lines(*notes: Sequence[Note]) -> list[Line]:
    return [Line.of(Path(f"{index}.mid"), some) for index, some in enumerate(notes)]


def performed(played: Sequence[tuple[int, float]]) -> list[Note]:
    onsets = accumulate(gap for _, gap in played)
    return [Note(pitch, onset, 0.5, 80) for (pitch, _), onset in zip(played, onsets, strict=True)]


def transposed(notes: Sequence[Note], semitones: int) -> list[Note]:
    """The notes moved; those that would leave MIDI's range stay an octave inside it."""
    moved = [note.pitch + semitones for note in notes]
    kept = [pitch + 12 * ((pitch < 0) - (pitch > 127)) for pitch in moved]
    return [replace(note, pitch=pitch) for note, pitch in zip(notes, kept, strict=True)]


class TestVocabularies:
    def test_pitches_reach_as_far_as_the_transposed_copies(self) -> None:
        assert pitches_of(lines(line(60, 64), line(72))) == tuple(range(54, 78))

    def test_pitches_end_where_midi_does(self) -> None:
        assert pitches_of(lines(line(2, 126))) == tuple(range(128))

    def test_shifts_are_between_onsets_and_a_chord_is_one(self) -> None:
        chord = [Note(60, 0.0, 1.0, 80), Note(64, 0.03, 1.0, 80), Note(67, 1.0, 1.0, 80), Note(72, 1.5, 1.0, 80)]
        assert shifts_of(lines(chord, line(60, 62, 64, step_beats=0.25))) == {1.0: 1, 0.5: 1, 0.25: 2}

    def test_a_line_of_one_onset_or_none_has_no_shift(self) -> None:
        assert shifts_of(lines(line(60), [])) == {}

    def test_played_timing_is_counted_to_half_a_millisecond(self) -> None:
        late = [Note(60, 0.0, 1.0, 80), Note(62, 1 / 3 + 1e-4, 1.0, 80), Note(64, 2 / 3 + 1e-4, 1.0, 80)]
        assert shifts_of(lines(late)) == {1 / 3: 2}

    @given(st.lists(PLAYED, max_size=4))
    def test_there_is_one_shift_less_than_there_are_onsets(self, played: list[list[tuple[int, float]]]) -> None:
        tunes = lines(*(performed(some) for some in played))
        times = [(tokens_of_line(EVENTS, tune.records) >= EVENTS.first_time_token).sum() for tune in tunes]
        assert shifts_of(tunes).total() == sum(times)

    @pytest.mark.parametrize("choice", ["commonest", "quantile", "quantile-mean"])
    def test_the_events_are_the_pitches_and_the_bins_of_the_corpus(self, choice: BinChoice) -> None:
        words = event_vocabulary(lines(exercise()), choice, 32)
        assert words.pitches == tuple(range(54, 78))
        assert words.bins == TimeBins((0.5, 1.0), (0.75,))

    def test_music_without_rhythm_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="nothing to learn rhythm from"):
            event_vocabulary(lines(line(60)), "commonest", 32)

    def test_the_pitch_vocabulary_of_a_corpus_is_its_pitches(self) -> None:
        assert pitch_vocabulary(lines(line(60))) == PitchVocabulary(tuple(range(54, 66)))


class TestTokens:
    @given(PLAYED)
    @settings(max_examples=200)
    def test_a_line_has_the_same_tokens_as_a_player_note_by_note(self, played: list[tuple[int, float]]) -> None:
        (tune,) = lines(performed(played))
        for words in (EVENTS, PITCHES):
            assert tokens_of_line(words, tune.records).tolist() == encode_notes(words, tune.notes)

    @given(st.lists(PLAYED, max_size=5), st.integers(1, 60))
    @settings(max_examples=200)
    def test_lines_have_the_same_tokens_and_shifts_together_as_one_by_one(
        self, played: list[list[tuple[int, float]]], notes_at_once: int
    ) -> None:
        tunes = lines(*(performed(notes) for notes in played))
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            patch.setattr(dataset, "NOTES_AT_ONCE", notes_at_once)
            for words in (EVENTS, PITCHES):
                expected = [encode_notes(words, tune.notes) for tune in tunes]
                on_disk = Path(folder) / "tokens"
                kept = [pieces_in_memory(words, tunes), *([pieces_on_disk(words, tunes, on_disk)[0]] if tunes else [])]
                for pieces in kept:
                    assert [pieces.piece(index).tolist() for index in range(len(pieces.lengths))] == expected
            assert shifts_of(tunes) == sum((shifts_of([tune]) for tune in tunes), Counter())

    def test_a_shift_on_an_edge_belongs_to_the_bin_below(self) -> None:
        (steady,) = lines(line(60, 60, step_beats=0.75))
        assert (
            tokens_of_line(EVENTS, steady.records).tolist()
            == encode_notes(EVENTS, steady.notes)
            == [START, 13, EVENTS.first_time_token + 1, 13]
        )

    @pytest.mark.parametrize("step_beats", [0.02, 0.04, 0.06, CHORD_BEATS])
    def test_in_a_run_of_near_notes_a_chord_ends_where_its_first_is_too_far(self, step_beats: float) -> None:
        (run,) = lines(line(*range(48, 68), step_beats=step_beats))
        tokens = tokens_of_line(EVENTS, run.records)
        assert tokens.tolist() == encode_notes(EVENTS, run.notes)
        in_a_chord = int(np.ceil(CHORD_BEATS / step_beats))
        assert np.flatnonzero(tokens >= EVENTS.first_time_token)[0] == 1 + in_a_chord

    def test_a_line_of_no_notes_is_its_start(self) -> None:
        (silence,) = lines([])
        assert [tokens_of_line(words, silence.records).tolist() for words in (EVENTS, PITCHES)] == [[START]] * 2

    def test_there_is_no_time_before_the_first_note_however_late_it_begins(self) -> None:
        (late,) = lines(line(60, start_beats=99.0))
        assert tokens_of_line(EVENTS, late.records).tolist() == [START, 1 + 60 - 48]


class TestTransposition:
    @given(st.lists(st.tuples(st.integers(0, 127), st.floats(0.1, 4.0)), min_size=1, max_size=20))
    def test_a_transposed_token_is_the_token_of_the_transposed_note(self, played: list[tuple[int, float]]) -> None:
        tunes = lines(performed(played))
        for words in (pitch_vocabulary(tunes), EventVocabulary(pitches_of(tunes), EVENTS.bins)):
            table = transposing(words)
            for row, semitones in enumerate(TRANSPOSITIONS):
                expected = encode_notes(words, transposed(tunes[0].notes, semitones))
                assert table[row][tokens_of_line(words, tunes[0].records)].tolist() == expected

    @given(st.lists(st.tuples(st.integers(6, 121), GAPS), min_size=1, max_size=20))
    def test_chords_move_as_a_whole(self, played: list[tuple[int, float]]) -> None:
        tunes = lines(performed(played))
        words = EventVocabulary(pitches_of(tunes), EVENTS.bins)
        pieces = pieces_in_memory(words, tunes)
        for semitones in TRANSPOSITIONS:
            assert pieces.piece(0, semitones).tolist() == encode_notes(words, transposed(tunes[0].notes, semitones))

    def test_a_line_is_encoded_in_twelve_keys_including_its_own(self) -> None:
        tunes = lines(exercise())
        words = pitch_vocabulary(tunes)
        pieces = pieces_in_memory(words, tunes)
        assert len({tuple(pieces.piece(0, semitones).tolist()) for semitones in TRANSPOSITIONS}) == 12
        assert pieces.piece(0).tolist() == pieces.piece(0, 0).tolist() == encode_notes(words, exercise())

    def test_start_and_time_tokens_do_not_change(self) -> None:
        table = transposing(EVENTS)
        assert (table[:, START] == START).all()
        assert (table[:, EVENTS.first_time_token :] == np.arange(EVENTS.first_time_token, EVENTS.size)).all()
        assert (table[TRANSPOSITIONS.index(0)] == np.arange(EVENTS.size)).all()


class TestPieces:
    TUNES = (tune(1), line(60), tune(2, 30), exercise(9))

    @pytest.mark.parametrize("words", [EVENTS, PITCHES], ids=["event", "pitch"])
    def test_pieces_on_disk_equal_those_in_memory(self, words: EventVocabulary, tmp_path: Path) -> None:
        tunes = lines(*self.TUNES)
        kept = pieces_in_memory(words, tunes)
        mapped, _ = pieces_on_disk(words, iter(tunes), tmp_path / "tokens")
        assert (
            mapped.lengths.tolist()
            == kept.lengths.tolist()
            == [len(encode_notes(words, notes)) for notes in self.TUNES]
        )
        for index, notes in enumerate(self.TUNES):
            assert mapped.piece(index).tolist() == kept.piece(index).tolist() == encode_notes(words, notes)
            for semitones in TRANSPOSITIONS:
                assert mapped.piece(index, semitones).tolist() == kept.piece(index, semitones).tolist()

    def test_on_disk_they_are_mapped_end_to_end_with_two_bytes_per_token(self, tmp_path: Path) -> None:
        pieces, content = pieces_on_disk(EVENTS, lines(*self.TUNES), tmp_path / "tokens")
        assert isinstance(pieces._tokens, np.memmap)
        written = (tmp_path / "tokens").read_bytes()
        assert len(written) == 2 * pieces.lengths.sum()
        assert content == hashlib.sha256(written).hexdigest()

    def test_their_hash_depends_on_the_notes_alone(self, tmp_path: Path) -> None:
        def content(*notes: Sequence[Note]) -> str:
            return pieces_on_disk(EVENTS, lines(*notes), tmp_path / "tokens")[1]

        assert content(tune(1)) == content(tune(1)) != content(tune(2))

    def test_a_disk_error_is_passed_on(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            pieces_on_disk(EVENTS, lines(tune(1)), tmp_path / "nowhere" / "tokens")

    def test_no_lines_give_no_pieces(self) -> None:
        assert pieces_in_memory(EVENTS, []).lengths.tolist() == []

    def test_many_tokens_are_distinguished(self) -> None:
        bins = tuple(float(shift) for shift in range(1, 400))
        words = EventVocabulary(tuple(range(128)), TimeBins(bins, tuple(shift + 0.5 for shift in bins[:-1])))
        tunes = lines([Note(60, 0.0, 1.0, 80), Note(60, 399.0, 1.0, 80)])
        assert pieces_in_memory(words, tunes).piece(0).tolist() == [START, 61, 128 + 399, 61]

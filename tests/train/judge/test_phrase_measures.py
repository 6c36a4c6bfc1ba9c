import pytest

from model.analysis.scale import Key
from model.files.time_signature import COMMON_TIME, TimeSignature
from model.notes import Note
from tests.music import line
from train.judge.phrase import JudgedPhrase
from train.judge.phrase_measures import FEATURE_SETS, MEASURES, Heard, longest_run, measure_phrase

C_MAJOR = Key(0, "major")


def phrase(*notes: Note, bars: int = 2, meter: TimeSignature = COMMON_TIME, goes_on: bool = False) -> JudgedPhrase:
    return JudgedPhrase.of(notes, 0.0, bars * meter.beats_per_bar, meter, goes_on=goes_on)


def measured(played: JudgedPhrase, seed: JudgedPhrase | None = None) -> dict[str, float | None]:
    return measure_phrase(Heard(played, seed or played, C_MAJOR))


def rhythm(*onsets: float, velocity: int = 80) -> list[Note]:
    return [Note(60 + index, onset, 0.5, velocity) for index, onset in enumerate(onsets)]


class TestPhrase:
    def test_it_begins_at_its_own_bar_line(self) -> None:
        moved = JudgedPhrase.of(line(60, 62, start_beats=16.5), 16.0, 24.0, TimeSignature())
        assert moved.ticks == (12, 24)

    def test_of_a_chord_the_highest_note_counts(self) -> None:
        assert phrase(Note(60, 0.0, 1.0, 80), Note(67, 0.02, 1.0, 80), Note(64, 1.0, 1.0, 80)).pitches == (67, 64)

    def test_rests_are_where_nothing_sounds(self) -> None:
        assert phrase(Note(60, 0.0, 2.0, 80), Note(64, 1.0, 2.0, 80), Note(62, 5.0, 1.0, 80)).rest_share == 0.5

    def test_the_beat_of_six_eight_is_a_dotted_quarter(self) -> None:
        assert [
            phrase(*line(60, 62), meter=meter).beat_ticks
            for meter in (TimeSignature(), TimeSignature(6, 8), TimeSignature(3, 4))
        ] == [
            24,
            36,
            24,
        ]

    def test_an_excerpt_ends_a_phrase_before_a_breath(self) -> None:
        notes = rhythm(0.0, 0.5, 1.0, 1.5, *(4.0 + index / 2 for index in range(8)))
        assert phrase(*notes, goes_on=True).last_phrase_end == 3
        assert phrase(*notes).last_phrase_end == 11
        assert phrase(*rhythm(*(index / 2 for index in range(16))), goes_on=True).last_phrase_end is None

    def test_the_last_onset_of_an_excerpt_ends_a_phrase_where_a_breath_follows_before_its_end(self) -> None:
        assert phrase(*rhythm(0.0, 0.5, 1.0), goes_on=True).last_phrase_end == 2


class TestMeasures:
    @pytest.mark.parametrize(
        ("name", "notes", "value"),
        [
            ("range", line(60, 64, 55), 9.0),
            ("repeated", line(60, 60, 62, 62, 62), 0.75),
            ("leaps", line(60, 68, 60, 67, 60), 0.5),
            ("outside", line(60, 61, 62, 63), 0.5),
            ("triad", line(60, 64, 67, 69), 0.75),
            ("turns", line(60, 62, 60, 60, 59), 0.5),
            ("gap_entropy", rhythm(0.0, 1.0, 2.0, 2.5, 3.0), 1.0),
            ("on_beat", rhythm(0.0, 0.5, 1.0, 1.5), 0.5),
            ("equal_gaps", rhythm(0.0, 1.0, 2.0, 2.5), 0.5),
            ("syncopation", rhythm(0.0, 0.5, 1.5, 2.0), 0.5),
            ("rests", rhythm(0.0, 1.0, 2.0, 3.0), 0.75),
            ("end_on_one", rhythm(0.0, 2.0, 4.0), 1.0),
            ("end_tonic", line(64, 62, 72), 1.0),
            ("end_gap", rhythm(0.0, 1.0, 6.0), 1.5),
        ],
    )
    def test_a_measure_counts_what_its_title_says(self, name: str, notes: list[Note], value: float) -> None:
        assert measured(phrase(*notes))[name] == pytest.approx(value)

    def test_a_motif_comes_back_only_at_its_place_in_the_bar(self) -> None:
        seed = phrase(*rhythm(0.0, 0.5, 1.0))
        assert measured(phrase(*rhythm(4.0, 4.5, 5.0)), seed)["place_motifs"] == 1.0
        assert measured(phrase(*rhythm(1.0, 1.5, 2.0)), seed)["place_motifs"] == 0.0

    def test_of_the_uneven_rhythms_that_come_back_some_are_at_their_place_in_the_bar(self) -> None:
        seed = phrase(*rhythm(0.0, 1.0, 1.5, 2.0, 4.0))
        in_place, a_beat_late = rhythm(4.0, 5.0, 5.5, 6.0), rhythm(1.0, 2.0, 2.5, 3.0)
        assert measured(phrase(*in_place), seed)["motifs_in_place"] == 1.0
        assert measured(phrase(*a_beat_late), seed)["motifs_in_place"] == 0.0
        assert measured(phrase(*a_beat_late[:3], *in_place), seed)["motifs_in_place"] == 1.0

    def test_rhythms_of_equal_gaps_have_no_place_of_their_own(self) -> None:
        seed = phrase(*rhythm(0.0, 1.0, 2.0, 3.0))
        assert measured(seed, seed)["motifs_in_place"] is None

    def test_what_ends_an_excerpt_is_its_last_phrase_and_not_where_it_is_cut(self) -> None:
        excerpt = phrase(*rhythm(0.0, 0.5, 1.0, 1.5, 4.0, 6.0, 6.5, 7.0, 7.5), goes_on=True)
        assert measured(excerpt)["end_on_one"] == 1.0
        assert measured(excerpt)["end_gap"] == 1.5

    def test_a_bar_has_a_rhythm_of_the_seeds_where_all_its_onsets_agree(self) -> None:
        seed = phrase(*rhythm(0.0, 1.0, 4.0, 5.5))
        assert measured(phrase(*rhythm(0.0, 1.5, 4.0, 5.0, 6.0)), seed)["seed_bars"] == 0.5

    def test_notes_of_the_seed_are_not_foreign(self) -> None:
        seed = phrase(*line(60, 61))
        assert measured(phrase(*line(61, 63)), seed)["foreign"] == 0.5

    def test_a_run_of_intervals_is_known_in_any_key(self) -> None:
        assert longest_run((2, 2, 1, 5), (7, 2, 2, 1, -3)) == 3
        assert longest_run((), (1, 2)) == 0

    def test_loudness_is_compared_only_where_the_seed_has_dynamics(self) -> None:
        accents = [Note(60, beat, 0.5, 100 if beat % 2 == 0 else 80) for beat in (0.0, 1.0, 2.0, 3.0)]
        assert measured(phrase(*accents))["contrast"] == 20.0
        assert measured(phrase(*accents), phrase(*rhythm(0.0, 1.0, 2.0)))["contrast"] is None

    def test_names_are_unique_and_classifiers_get_no_measure_that_is_only_shown(self) -> None:
        names = [measure.name for measure in MEASURES]
        assert len(names) == len(set(names))
        assert "shown" not in {group for groups in FEATURE_SETS.values() for group in groups}
        assert set(FEATURE_SETS["everything"]) - set(FEATURE_SETS["fair: rests and endings left out"]) == {
            "rests and endings"
        }

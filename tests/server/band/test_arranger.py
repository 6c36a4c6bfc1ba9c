from itertools import combinations, pairwise
from statistics import median

import pytest

from bridge.timing.meter import Meter
from model.harmony.changes import ChartChanges
from model.harmony.chord import note_name
from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart
from server.band.arranger import Arranger, Bar
from server.band.band_note import CRASH, RIDE, BandNote
from server.controls.choices import BandParts, Feel

FEELS: tuple[Feel, ...] = ("straight", "swing", "bossa", "rock", "waltz")
COMMON_TIME = Meter(4, 4)


def played(
    text: str,
    feel: Feel = "swing",
    *,
    rounds: int = 2,
    parts: BandParts = "full",
    meter: Meter = COMMON_TIME,
    seed: int = 1,
) -> list[BandNote]:
    """What the band plays over some times round a chart."""
    chart = read_text_chart(text)
    changes = ChartChanges(chart, 0.0, meter.beats_per_bar, 4 / meter.denominator)
    arranger, count = Arranger(seed), len(chart.bars)
    notes: list[BandNote] = []
    for number in range(rounds * count):
        bar = Bar(number * meter.beats_per_bar, number, number % count == 0, number % count == count - 1)
        notes += arranger.notes(bar, changes, meter, parts, feel)
    return notes


def voicings(notes: list[BandNote]) -> list[tuple[int, ...]]:
    """The pitches of each stroke of the chords, in order."""
    strokes: dict[float, list[int]] = {}
    for note in notes:
        if note.instrument == "chords":
            strokes.setdefault(note.onset_beats, []).append(note.pitch)
    return [tuple(sorted(strokes[at])) for at in sorted(strokes)]


@pytest.mark.parametrize("feel", FEELS)
@pytest.mark.parametrize("form", FORMS)
def test_no_part_of_the_chords_moves_further_than_a_fifth_and_most_by_two_semitones_at_most(
    form: str, feel: Feel
) -> None:
    moves = [
        abs(pitch - other)
        for before, after in pairwise(voicings(played(FORMS[form], feel)))
        for other, pitch in zip(before, after, strict=True)
    ]
    assert max(moves) <= 7
    assert median(moves) <= 2


@pytest.mark.parametrize("feel", FEELS)
@pytest.mark.parametrize("form", FORMS)
def test_the_bass_is_on_the_root_at_each_change(form: str, feel: Feel) -> None:
    chart = read_text_chart(FORMS[form])
    changes = ChartChanges(chart)
    bass = {note.onset_beats: note.pitch for note in played(FORMS[form], feel) if note.instrument == "bass"}
    beat = 0.0
    while beat < 4.0 * len(chart.bars):
        span = changes.at(beat)
        assert span.chord is not None
        assert bass[span.start_beats] % 12 == span.chord.bass
        beat = span.end_beats


def test_every_change_is_heard_in_the_chords_with_its_third() -> None:
    notes = played(FORMS["jazz blues"], "swing", rounds=4)
    changes = ChartChanges(read_text_chart(FORMS["jazz blues"]))
    for beat in range(0, 192, 2):
        span = changes.at(float(beat))
        struck = {
            n.pitch % 12
            for n in notes
            if n.instrument == "chords" and span.start_beats <= n.onset_beats < span.end_beats
        }
        assert span.chord is not None
        third = 4 if 4 in span.chord.intervals else 3
        assert (span.chord.root + third) % 12 in struck


@pytest.mark.parametrize("feel", FEELS)
@pytest.mark.parametrize("meter", [Meter(3, 4), Meter(7, 8), Meter(6, 8), Meter(5, 4), Meter(2, 2), Meter(3, 8)])
def test_every_feel_plays_in_every_meter_within_the_bar_and_never_two_notes_at_once_on_a_key(
    feel: Feel, meter: Meter
) -> None:
    notes = played(FORMS["turnaround"], feel, meter=meter)
    assert {note.instrument for note in notes} == {"bass", "chords", "drums"}
    for note in notes:
        assert 0.0 <= note.onset_beats < 8 * meter.beats_per_bar
        assert note.duration_beats > 0.0
        assert 1 <= note.velocity <= 127
    pitched = [(n.instrument, n.pitch, n.onset_beats) for n in notes if n.instrument != "drums"]
    assert len(set(pitched)) == len(pitched)


def test_the_same_seed_plays_the_same_and_another_seed_another_line() -> None:
    assert played(FORMS["blues"]) == played(FORMS["blues"])
    assert played(FORMS["blues"], seed=2) != played(FORMS["blues"])


def test_parts_are_added_one_by_one_and_the_bass_does_not_depend_on_the_others() -> None:
    alone = [note for note in played(FORMS["blues"], parts="bass") if note.instrument == "bass"]
    assert {note.instrument for note in played(FORMS["blues"], parts="bass")} == {"bass"}
    assert {note.instrument for note in played(FORMS["blues"], parts="bass+chords")} == {"bass", "chords"}
    assert [note for note in played(FORMS["blues"]) if note.instrument == "bass"] == alone


def test_swing_puts_the_off_beat_on_the_triplet_and_straight_in_the_middle() -> None:
    rides = {
        note.onset_beats % 1.0 for note in played(FORMS["blues"]) if note.pitch == RIDE and note.instrument == "drums"
    }
    assert {round(at, 3) for at in rides} == {0.0, 0.667}
    hats = {note.onset_beats % 1.0 for note in played(FORMS["blues"], "straight") if note.instrument == "drums"}
    assert hats == {0.0, 0.5}


def test_a_form_begins_with_a_crash() -> None:
    notes = played(FORMS["blues"], rounds=3)
    crashes = [note.onset_beats for note in notes if note.instrument == "drums" and note.pitch == CRASH]
    assert crashes == [0.0, 48.0, 96.0]


@pytest.mark.parametrize("feel", FEELS)
@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(3, 4), Meter(6, 8), Meter(7, 8)])
def test_no_drum_is_struck_twice_at_once_where_a_fill_meets_the_pattern(feel: Feel, meter: Meter) -> None:
    for seed in range(4):
        hits = [
            (note.onset_beats, note.pitch)
            for note in played(FORMS["folk"], feel, rounds=4, meter=meter, seed=seed)
            if note.instrument == "drums"
        ]
        assert len(set(hits)) == len(hits)


def test_without_a_chord_bass_and_chords_are_silent() -> None:
    notes = [note for note in played("| C | N.C. |", rounds=1) if note.instrument != "drums"]
    assert all(note.end_beats <= 4.0 for note in notes)


def bass_of(notes: list[BandNote]) -> list[BandNote]:
    return [note for note in notes if note.instrument == "bass"]


def test_a_walking_bass_walks_mostly_by_step_and_never_strikes_a_note_twice_in_a_row() -> None:
    for seed in range(4):
        bass = bass_of(played(FORMS["jazz blues"], rounds=4, seed=seed))
        assert [note.onset_beats for note in bass] == [float(beat) for beat in range(192)]
        steps = [abs(after.pitch - before.pitch) for before, after in pairwise(bass)]
        assert min(steps) > 0
        assert max(steps) <= 12
        assert 0.45 < sum(step <= 2 for step in steps) / len(steps) < 0.7


def test_a_walking_bass_leads_to_a_change_by_a_half_tone_a_whole_tone_or_a_fifth() -> None:
    changes = ChartChanges(read_text_chart(FORMS["jazz blues"]))
    bass = bass_of(played(FORMS["jazz blues"], rounds=8))
    led = [
        abs(after.pitch - before.pitch)
        for before, after in pairwise(bass)
        # A chord of one beat has no room for a note that leads.
        if changes.at(after.onset_beats).start_beats == after.onset_beats
        and changes.at(before.onset_beats).start_beats != before.onset_beats
    ]
    assert set(led) <= {1, 2, 5, 7}
    assert sum(step <= 2 for step in led) > len(led) / 2


def test_a_passing_note_of_a_walking_bass_leads_on_to_a_chord_note_and_not_back() -> None:
    for seed in range(8):
        bass = [note.pitch for note in bass_of(played("| F7 | % | Bb7 | % |", rounds=8, seed=seed))]
        for at in range(0, len(bass), 8):
            # Of the eight notes of each chord the last one leads to the next chord, over the bar line, too.
            for before, passing, after in zip(*(bass[at + late : at + 5 + late] for late in range(3)), strict=True):
                if (passing - (5 if at % 16 == 0 else 10)) % 12 not in {0, 4, 7, 10}:
                    assert abs(after - passing) <= 2
                    assert (after > passing) == (passing > before)


@pytest.mark.parametrize(
    ("symbol", "clash"), [("C7b9", "D"), ("C7#9", "D"), ("C7#11", "F"), ("C7alt", "A"), ("CmMaj7", "Bb")]
)
def test_a_walking_bass_takes_no_note_of_the_scale_that_the_symbol_replaces(symbol: str, clash: str) -> None:
    for seed in range(8):
        bass = bass_of(played(f"| {symbol} | % | F |", rounds=4, seed=seed))
        # The last note before the next chord may lead to it by a half tone.
        names = {note_name(note.pitch) for note in bass if note.onset_beats % 12.0 < 7.0}
        assert clash not in names


@pytest.mark.parametrize("feel", ["rock", "waltz"])
@pytest.mark.parametrize(("symbol", "target", "note"), [("Cm9", "F", "Eb"), ("C13", "Ab", "Bb"), ("Cm13", "F", "Eb")])
def test_in_rock_and_waltz_the_bass_may_lead_to_a_change_by_every_note_of_the_chord(
    feel: Feel, symbol: str, target: str, note: str
) -> None:
    meter = Meter(3, 4) if feel == "waltz" else COMMON_TIME
    heard = {
        note_name(played_note.pitch)
        for seed in range(8)
        for played_note in bass_of(played(f"| {symbol} | {target} |", feel, rounds=8, meter=meter, seed=seed))
    }
    assert note in heard


def test_over_an_altered_chord_the_bass_plays_no_plain_fifth() -> None:
    bass = bass_of(played("| C7alt | % |", "straight"))
    assert {note_name(note.pitch) for note in bass} == {"C", "Ab"}


@pytest.mark.parametrize("symbol", ["Fm9", "Bb13", "C7#9", "Eb11", "Cmaj13", "G7b9", "C4"])
def test_no_two_notes_of_the_chords_are_a_minor_ninth_apart(symbol: str) -> None:
    for key in range(12):
        # The chord before decides where the voicing lies.
        before = note_name(key)
        for voicing in voicings(played(f"| {before}6 | {symbol} | {before}m7 | {symbol} |", "bossa")):
            assert not any(high - low == 13 for low, high in combinations(voicing, 2))


def test_an_eleventh_chord_is_voiced_without_the_third_that_it_rubs_against() -> None:
    assert {note_name(pitch) for voicing in voicings(played("| C11 |")) for pitch in voicing} == {"Bb", "D", "F"}


@pytest.mark.parametrize("feel", ["straight", "rock", "bossa", "waltz"])
def test_a_note_of_the_bass_that_is_foreign_to_the_chord_is_short(feel: Feel) -> None:
    meter = Meter(3, 4) if feel == "waltz" else COMMON_TIME
    changes = ChartChanges(read_text_chart(FORMS["folk"]), 0.0, meter.beats_per_bar)
    for seed in range(4):
        for note in bass_of(played(FORMS["folk"], feel, rounds=2, meter=meter, seed=seed)):
            chord = changes.at(note.onset_beats).chord
            assert chord is not None
            assert chord.has(note.pitch) or note.duration_beats <= 1.0


def test_in_rock_the_bass_stays_on_the_root_until_the_end_of_a_chord() -> None:
    changes = ChartChanges(read_text_chart(FORMS["pop"]))
    for note in bass_of(played(FORMS["pop"], "rock")):
        span = changes.at(note.onset_beats)
        assert span.chord is not None
        assert note.pitch % 12 == span.chord.root or note.end_beats > span.end_beats - 0.2


@pytest.mark.parametrize("meter", [Meter(5, 4), Meter(6, 4), Meter(7, 4)])
@pytest.mark.parametrize("feel", FEELS)
def test_bass_and_chords_play_to_the_end_of_a_long_bar(feel: Feel, meter: Meter) -> None:
    notes = played("| C | Am |", feel, rounds=4, meter=meter)
    into_bar = {(note.instrument, note.onset_beats % meter.beats_per_bar) for note in notes}
    for instrument in ("bass", "chords", "drums"):
        assert (
            max(at for name, at in into_bar if name == instrument)
            >= min(meter.beats_per_bar, 4.0 + (feel != "waltz")) - 1.0
        )


@pytest.mark.parametrize("meter", [Meter(6, 8), Meter(12, 8), Meter(7, 8)])
@pytest.mark.parametrize("feel", ["straight", "rock", "bossa"])
def test_in_a_meter_of_eighths_nothing_is_off_the_eighths(feel: Feel, meter: Meter) -> None:
    for note in played(FORMS["pop"], feel, meter=meter):
        assert (2 * note.onset_beats) % 1 == pytest.approx(0.0)

from itertools import pairwise
from statistics import median

import pytest

from bridge.timing.meter import Meter
from model.harmony.changes import ChartChanges
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
    crashes = [note.onset_beats for note in played(FORMS["blues"], rounds=3) if note.pitch == CRASH]
    assert crashes == [0.0, 48.0, 96.0]


def test_without_a_chord_bass_and_chords_are_silent() -> None:
    notes = [note for note in played("| C | N.C. |", rounds=1) if note.instrument != "drums"]
    assert all(note.end_beats <= 4.0 for note in notes)

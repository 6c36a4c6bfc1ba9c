"""The jam over chords, and its band."""

from dataclasses import replace

import pytest

from bridge.midi.messages import NoteOff, NoteOn
from bridge.timing.clock_messages import Transport
from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.harmony.changes import place_among
from model.harmony.forms import FORMS
from model.harmony.notations.text_chart import read_text_chart
from server.band.band_note import CRASH
from server.controls.control_table import Settings
from server.jam.jam import Jam
from server.jam.jam_output import TimedMessage
from tests.server.jams import DEFAULTS, ScriptedImproviser

BLUES = read_text_chart(FORMS["blues"])
BAND_CHANNELS = {1, 2, 9}
LOWEST_OF_CHORDS = 48


def a_jam(**settings: object) -> tuple[Jam, dict[str, ScriptedImproviser]]:
    """A jam at beat 0 with its improvisers."""
    improvisers = {"pitch": ScriptedImproviser("pitch", [60]), "event": ScriptedImproviser("event", [60])}
    chosen: Settings = replace(DEFAULTS, **settings)  # type: ignore[arg-type]
    jam = Jam(improvisers, chosen, 1)  # type: ignore[arg-type]
    jam.set_timeline(Timeline.start(120.0), 0.0)
    return jam, improvisers


def play_until(jam: Jam, until_beat: float) -> list[TimedMessage]:
    """All messages up to a beat; requests of the timeline are granted."""
    timeline = Timeline.start(120.0)
    sent: list[TimedMessage] = []
    while True:
        while jam.has_work:
            jam.do_work()
        wake_beat = jam.wake_at()
        if wake_beat is None or wake_beat > until_beat:
            return [*sent, *jam.advance(until_beat)]
        sent += jam.advance(wake_beat)
        request = jam.take_timeline_request()
        if request is not None:
            timeline = timeline.with_downbeat(request.downbeat)
            jam.set_timeline(timeline, wake_beat)


def of_band(sent: list[TimedMessage]) -> list[TimedMessage]:
    return [timed for timed in sent if getattr(timed.message, "channel", 0) in BAND_CHANNELS]


def sounding(sent: list[TimedMessage]) -> set[int]:
    """The pitches of the band that sound after these messages."""
    pitches: set[int] = set()
    for timed in of_band(sent):
        if isinstance(timed.message, NoteOn):
            pitches.add(timed.message.pitch)
        elif isinstance(timed.message, NoteOff):
            pitches.discard(timed.message.pitch)
    return pitches


def bass_notes(sent: list[TimedMessage]) -> list[tuple[int, float]]:
    """The pitches of the bass, and the beats at which they begin."""
    return [
        (timed.message.pitch, timed.beat)
        for timed in sent
        if isinstance(timed.message, NoteOn) and timed.message.channel == 1
    ]


def test_the_band_counts_one_bar_in_and_the_form_begins_on_the_next() -> None:
    jam, _ = a_jam(band="full")
    jam.set_chart(BLUES, 0.0)
    sent = play_until(jam, 4.0)
    clicks = [timed for timed in sent if isinstance(timed.message, NoteOn) and timed.beat < 4.0]
    assert [(timed.message.pitch, timed.beat) for timed in clicks if isinstance(timed.message, NoteOn)] == [
        (37, 0.0), (37, 1.0), (37, 2.0), (37, 3.0),
    ]  # fmt: skip
    bass = [timed.message.pitch for timed in sent if isinstance(timed.message, NoteOn) and timed.message.channel == 1]
    assert [pitch % 12 for pitch in bass] == [5]
    assert jam.status.changes is not None
    assert str(jam.status.changes.at(4.0).chord) == "F7"


@pytest.mark.parametrize(
    ("text", "bars_between"), [("| Dm7 |", 8), ("C Am F G", 8), ("C Am F", 9), (FORMS["blues"], 12)]
)
def test_the_drums_mark_a_form_and_a_short_one_not_each_time_round(text: str, bars_between: int) -> None:
    jam, _ = a_jam(band="full")
    jam.set_chart(read_text_chart(text), 0.0)
    sent = play_until(jam, 4.0 * (2 * bars_between + 2))
    crashes = [
        timed.beat
        for timed in sent
        if isinstance(timed.message, NoteOn) and timed.message.pitch == CRASH and timed.message.channel == 9
    ]
    assert crashes == [4.0, 4.0 + 4.0 * bars_between, 4.0 + 8.0 * bars_between]


def test_messages_of_the_band_come_in_order_and_every_note_ends() -> None:
    jam, _ = a_jam(band="full")
    jam.set_chart(BLUES, 0.0)
    sent = play_until(jam, 60.0)
    jam.act("stop", 60.0)
    sent += jam.advance(60.0)
    assert [timed.beat for timed in sent] == sorted(timed.beat for timed in sent)
    sounding: set[tuple[int, int]] = set()
    for timed in sent:
        match timed.message:
            case NoteOn(pitch, _, channel):
                assert (channel, pitch) not in sounding
                sounding.add((channel, pitch))
            case NoteOff(pitch, channel):
                sounding.remove((channel, pitch))
    assert not sounding


def test_stop_silences_the_band_until_it_is_started_again() -> None:
    jam, _ = a_jam(band="bass")
    jam.set_chart(BLUES, 0.0)
    play_until(jam, 10.0)
    jam.act("stop", 10.0)
    jam.advance(10.0)
    assert not [timed for timed in play_until(jam, 30.0) if isinstance(timed.message, NoteOn)]
    jam.act("play", 30.0)
    assert of_band(play_until(jam, 40.0))


def test_without_chords_the_band_is_silent() -> None:
    jam, _ = a_jam(band="full")
    assert not play_until(jam, 20.0)


def test_turns_begin_with_the_form_that_the_band_has_counted_in() -> None:
    jam, _ = a_jam(band="bass", mode="fours")
    jam.set_chart(BLUES, 0.0)
    play_until(jam, 6.0)
    turn = jam.status.turn
    assert turn is not None
    assert (turn.side, turn.start_beats, turn.end_beats) == ("player", 4.0, 20.0)
    play_until(jam, 21.0)
    assert jam.status.state == "answering"


def test_the_band_follows_a_song_without_a_count_in_and_stops_with_it() -> None:
    jam, _ = a_jam(band="bass")
    jam.set_chart(BLUES, 0.0)
    timeline = Timeline.start(120.0)
    jam.set_timeline(timeline, 0.0, "stopped")
    assert not play_until(jam, 8.0)
    jam.set_timeline(timeline.with_downbeat(8.0), 8.0, "playing")
    started = [timed for timed in play_until(jam, 9.5) if isinstance(timed.message, NoteOn)]
    assert [(timed.message.channel, timed.beat) for timed in started if isinstance(timed.message, NoteOn)] == [
        (1, 8.0),
        (1, 9.0),
    ]
    jam.set_timeline(timeline.with_downbeat(8.0), 9.6, "stopped")
    assert [type(timed.message) for timed in jam.advance(9.6)] == [NoteOff]
    assert not play_until(jam, 16.0)


def test_the_first_beat_of_a_song_is_played_although_its_start_is_known_a_little_later() -> None:
    jam, _ = a_jam(band="bass")
    jam.set_chart(BLUES, 0.0)
    timeline = Timeline.start(120.0)
    jam.set_timeline(timeline, 0.0, "stopped")
    play_until(jam, 8.05)
    jam.set_timeline(timeline.with_downbeat(8.0), 8.05, "playing")
    assert [(pitch % 12, beat) for pitch, beat in bass_notes(play_until(jam, 8.9))] == [(5, 8.0)]
    # The song goes on from its ninth bar, which is known a little late, too.
    play_until(jam, 10.05)
    jam.set_timeline(timeline.with_downbeat(10.0 - 32.0), 10.05, "playing")
    assert [(pitch % 12, beat) for pitch, beat in bass_notes(play_until(jam, 10.9))] == [(0, 10.0)]


def test_a_song_that_is_joined_within_a_bar_is_played_from_there() -> None:
    jam, _ = a_jam(band="bass")
    jam.set_chart(BLUES, 0.0)
    jam.set_timeline(Timeline.start(120.0), 0.0, "stopped")
    play_until(jam, 1.5)
    jam.set_timeline(Timeline.start(120.0), 1.5, "playing")
    assert [beat for _, beat in bass_notes(play_until(jam, 3.5))] == [2.0, 3.0]


def test_a_jump_in_the_song_is_a_jump_in_the_chart() -> None:
    jam, _ = a_jam(band="bass")
    jam.set_chart(BLUES, 0.0)
    timeline = Timeline.start(120.0)
    jam.set_timeline(timeline, 0.0, "playing")
    play_until(jam, 6.0)
    assert jam.status.changes is not None
    assert str(jam.status.changes.at(6.0).chord) == "Bb7"
    # The song goes on from its ninth bar.
    jam.set_timeline(timeline.with_downbeat(8.0 - 32.0), 6.0, "playing")
    assert str(jam.status.changes.at(8.0).chord) == "C7"
    bass = [t for t in play_until(jam, 8.0) if isinstance(t.message, NoteOn) and t.beat == 8.0]
    assert [t.message.pitch % 12 for t in bass if isinstance(t.message, NoteOn)] == [0]


@pytest.mark.parametrize("transports", [("playing",), ("stopped", "playing")])
def test_a_jump_that_is_known_just_after_the_beat_strikes_no_drum_twice(transports: tuple[Transport, ...]) -> None:
    jam, _ = a_jam(band="full", feel="rock")
    jam.set_chart(BLUES, 0.0)
    timeline = Timeline.start(120.0)
    jam.set_timeline(timeline, 0.0, "playing")
    sent = play_until(jam, 8.02)  # the third bar has begun: a note is sent a little before it is due
    for transport in transports:
        jam.set_timeline(timeline.with_downbeat(8.0 - 32.0), 8.02, transport)
    sent += play_until(jam, 8.4)
    drums = [
        t.message.pitch
        for t in of_band(sent)
        if isinstance(t.message, NoteOn) and t.message.channel == 9 and t.beat >= 8.0
    ]
    assert drums
    assert len(set(drums)) == len(drums)


def test_a_jump_ends_the_chord_and_the_bass_note_of_the_old_place() -> None:
    jam, _ = a_jam(band="bass+chords", feel="straight")
    jam.set_chart(BLUES, 0.0)
    timeline = Timeline.start(120.0)
    jam.set_timeline(timeline, 0.0, "playing")
    sent = play_until(jam, 8.02)
    jam.set_timeline(timeline.with_downbeat(8.0 - 32.0), 8.02, "playing")
    sent += play_until(jam, 8.1)
    assert {pitch % 12 for pitch in sounding(sent)} <= {0, 4, 7, 10, 2, 9}  # C7, with its ninth or thirteenth
    assert len([pitch for pitch in sounding(sent) if pitch < LOWEST_OF_CHORDS]) == 1


def test_bars_that_move_a_little_cut_no_chord_short() -> None:
    jam, _ = a_jam(band="bass+chords", feel="straight")
    jam.set_chart(BLUES, 0.0)
    timeline = Timeline.start(120.0)
    jam.set_timeline(timeline, 0.0, "playing")
    sent = play_until(jam, 8.1)
    chord = {pitch for pitch in sounding(sent) if pitch >= LOWEST_OF_CHORDS}
    jam.set_timeline(timeline.with_downbeat(0.05), 8.1, "playing")
    after = sounding([*sent, *play_until(jam, 8.4)])
    assert {pitch for pitch in after if pitch >= LOWEST_OF_CHORDS} == chord
    assert len(after - chord) == 1


def test_the_bass_plays_one_note_at_a_time_whatever_changes_while_it_sounds() -> None:
    jam, _ = a_jam(band="bass+chords", feel="straight")
    jam.set_chart(BLUES, 0.0)
    jam.set_timeline(Timeline.start(120.0), 0.0, "playing")
    sent: list[TimedMessage] = []
    for number in range(40):
        sent += play_until(jam, number * 0.3)
        jam.change("feel", ("straight", "bossa", "rock", "swing")[number % 4], number * 0.3)
        assert len([pitch for pitch in sounding(sent) if pitch < LOWEST_OF_CHORDS]) <= 1


def test_another_chart_makes_the_answer_be_composed_again_over_it() -> None:
    jam, improvisers = a_jam(mode="continuous")
    jam.set_chart(BLUES, 0.0)
    play_until(jam, 1.0)
    before = len(improvisers["event"].requests)
    jam.set_chart(read_text_chart("| Cm7 |"), 1.0)
    requests = improvisers["event"].requests
    play_until(jam, 1.2)
    assert len(requests) > before
    changes = requests[-1].sampling.changes
    assert changes is not None
    span = changes.at(1.0)
    assert span is not None
    assert str(span.chord) == "Cm7"


def test_a_chart_in_seven_eight_has_its_bars_in_that_meter() -> None:
    jam, _ = a_jam(band="full")
    jam.set_timeline(Timeline.start(120.0).with_meter(Meter(7, 8)), 0.0, "playing")
    jam.set_chart(read_text_chart("| C G | F |"), 0.0)
    assert jam.status.changes is not None
    assert [str(jam.status.changes.at(beat).chord) for beat in (0.0, 2.0, 3.5, 7.0)] == ["C", "G", "F", "C"]
    assert of_band(play_until(jam, 14.0))


def test_chords_on_a_channel_are_named_and_are_no_phrase() -> None:
    jam, improvisers = a_jam(chords_from="channel", chord_channel=16)
    for pitch in (48, 52, 55):
        jam.receive(NoteOn(pitch, 80, 15), 0.0)
    assert jam.status.changes is not None
    assert str(jam.status.changes.at(0.0).chord) == "C"
    for pitch in (48, 52, 55):
        jam.receive(NoteOff(pitch, 15), 2.0)
    assert not play_until(jam, 8.0)
    assert improvisers["event"].heard_notes == []
    assert jam.status.changes is not None
    assert str(jam.status.changes.at(3.0).chord) == "C"


def test_the_left_hand_names_chords_and_the_right_hand_plays_the_phrase() -> None:
    jam, improvisers = a_jam(chords_from="below", chords_below=60)
    for pitch in (45, 48, 52):
        jam.receive(NoteOn(pitch, 80), 0.0)
    jam.receive(NoteOn(76, 80), 0.0)
    jam.receive(NoteOff(76), 0.5)
    play_until(jam, 0.9)
    assert str(jam.status.changes and jam.status.changes.at(0.0).chord) == "Am"
    assert [pitch for pitch, _ in improvisers["event"].heard_notes] == [76]


def test_the_models_hear_what_the_player_plays_with_its_place_among_the_chords() -> None:
    jam, improvisers = a_jam()
    jam.set_chart(read_text_chart("| C F7 |"), 0.0)
    jam.receive(NoteOn(76, 80), 0.0)
    jam.receive(NoteOff(76), 1.5)
    jam.receive(NoteOn(77, 80), 1.98)
    play_until(jam, 2.2)
    expected = [place_among(jam.status.changes, 0.0), place_among(jam.status.changes, 2.0)]
    assert len(set(expected)) == 2
    assert [improvisers[name].heard_chord_places for name in ("pitch", "event")] == [expected, expected]


def test_single_notes_and_twelve_at_once_name_no_chord() -> None:
    jam, _ = a_jam(chords_from="channel")
    for pitch in (48, 50):
        jam.receive(NoteOn(pitch, 80, 15), 0.0)
        jam.receive(NoteOff(pitch, 15), 0.5)
    assert jam.status.changes is None
    for pitch in range(36, 48):
        jam.receive(NoteOn(pitch, 80, 15), 1.0)
    assert jam.status.changes is None


def test_single_notes_and_twelve_at_once_leave_the_chord_before_in_place() -> None:
    jam, _ = a_jam(chords_from="channel")
    for pitches, beat in (((48, 52, 55), 0.0), ((50,), 2.0), (tuple(range(36, 48)), 4.0)):
        for index, pitch in enumerate(pitches):
            jam.receive(NoteOn(pitch, 80, 15), beat + index / 100)
        assert jam.status.changes is not None
        assert str(jam.status.changes.at(beat + 0.5).chord) == "C"
        for pitch in pitches:
            jam.receive(NoteOff(pitch, 15), beat + 1.0)


def test_after_the_form_was_played_twice_its_chords_are_predicted() -> None:
    jam, _ = a_jam(chords_from="channel")
    form = [(48, 52, 55), (45, 48, 52), (41, 45, 48), (43, 47, 50)]
    for bar in range(8):
        beat = 4.0 * bar
        play_until(jam, beat)
        for pitch in form[bar % 4]:
            jam.receive(NoteOn(pitch, 80, 15), beat)
        for pitch in form[bar % 4]:
            jam.receive(NoteOff(pitch, 15), beat + 3.5)
    jam.advance(33.0)
    assert jam.status.changes is not None
    assert [str(jam.status.changes.at(beat).chord) for beat in (33.0, 36.0, 40.0, 44.0, 48.0)] == [
        "C",
        "Am",
        "F",
        "G",
        "C",
    ]


def test_off_knows_no_chord_even_with_a_chart() -> None:
    jam, _ = a_jam(chords_from="off")
    jam.set_chart(BLUES, 0.0)
    assert jam.status.changes is None
    jam.change("chords_from", "chart", 1.0)
    assert jam.status.changes is not None

import io
from collections import defaultdict, deque
from collections.abc import Sequence

import mido
from hypothesis import given
from hypothesis import strategies as st

from model.files.midi.all_notes_off import ALL_NOTES_OFF, with_note_offs
from model.files.midi.midi_reader import read_midi
from tests.model.files.midi.midi_parts import event, meta, midi_file, plain, track

CHANNELS, PITCHES = st.integers(0, 1), st.integers(60, 61)
DELTAS = st.sampled_from((0, 1, 10, 200))
Rows = list[tuple[int, int, int, int, int]]

EVENTS = st.one_of(
    st.builds(lambda d, c, p, v: event(d, 0x90 | c, p, v), DELTAS, CHANNELS, PITCHES, st.sampled_from((0, 1, 80))),
    st.builds(lambda d, c, p: event(d, 0x80 | c, p, 0), DELTAS, CHANNELS, PITCHES),
    st.builds(lambda d, c, n: event(d, 0xB0 | c, n, 0), DELTAS, CHANNELS, st.sampled_from((7, 64, 120, 123, 127))),
    st.builds(lambda d, c: event(d, 0xC0 | c, 5), DELTAS, CHANNELS),
    st.builds(lambda d: meta(0x01, bytes(130), d), DELTAS),
    st.builds(lambda d: event(d, 0xF0, 2, 0x41, 0xF7), DELTAS),
)


@given(st.lists(EVENTS, max_size=30))
def test_the_notes_of_a_track_with_open_notes_end_where_a_synth_ends_them(events: Sequence[bytes]) -> None:
    content = midi_file(track(*events))
    messages = mido.MidiFile(file=io.BytesIO(content)).tracks[0]
    expected, is_open = paired(messages, ())
    if is_open:
        expected, _ = paired(messages, ALL_NOTES_OFF)
    found = [
        (part.channel, *row)
        for part in read_midi(content).parts
        for row in zip(*(column.tolist() for column in (part.tick, part.end, part.pitch, part.velocity)), strict=True)
    ]
    assert sorted(found) == sorted(expected)


def paired(messages: Sequence[mido.Message], notes_off: Sequence[int] | frozenset[int]) -> tuple[Rows, bool]:
    """Channel, tick, end, pitch and velocity of each note, and whether some are still open at the end."""
    now = 0
    sounding: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    rows: Rows = []
    for message in messages:
        now += message.time
        match message.type:
            case "note_on" if message.velocity:
                sounding[message.channel, message.note].append((now, message.velocity))
            case "note_on" | "note_off" if sounding[message.channel, message.note]:
                begin, velocity = sounding[message.channel, message.note].popleft()
                rows.append((message.channel, begin, now, message.note, velocity))
            case "control_change" if message.control in notes_off:
                rows += ended([note for note in sounding if note[0] == message.channel], sounding, now)
    still_open = ended(list(sounding), sounding, now)
    return rows + still_open, bool(still_open)


def ended(notes: Sequence[tuple[int, int]], sounding: dict[tuple[int, int], deque[tuple[int, int]]], now: int) -> Rows:
    return [(note[0], begin, now, note[1], velocity) for note in notes for begin, velocity in sounding.pop(note)]


def test_a_track_whose_notes_all_end_is_left_as_it_is() -> None:
    events = plain(4) + event(0, 0xB0, 123, 0) + b"\x00"
    assert with_note_offs(events) is events

"""MIDI files by their bytes: what other programs write, and what no library of ours would."""

from collections.abc import Sequence

END_OF_TRACK = b"\x00\xff\x2f\x00"
FIRST_PITCH, VELOCITY = 60, 90
STEP_TICKS, LENGTH_TICKS = 240, 192


def number(value: int) -> bytes:
    """A variable-length number."""
    found = bytearray([value & 0x7F])
    while value := value >> 7:
        found.insert(0, 0x80 | value & 0x7F)
    return bytes(found)


def event(delta: int, *data: int) -> bytes:
    return number(delta) + bytes(data)


def meta(kind: int, content: bytes, delta: int = 0) -> bytes:
    return number(delta) + bytes([0xFF, kind]) + number(len(content)) + content


def tempo(microseconds: int, delta: int = 0) -> bytes:
    return meta(0x51, microseconds.to_bytes(3), delta)


def meter(numerator: int, power: int, delta: int = 0) -> bytes:
    return meta(0x58, bytes([numerator, power, 24, 8]), delta)


def pitch_at(index: int) -> int:
    return FIRST_PITCH + index * 5 % 12


def plain(count: int = 80, channel: int = 0, first: int = 0) -> bytes:
    """Notes half a beat apart and two fifths long, after what stands before; the last is followed by nothing."""
    events = b""
    for index in range(first, first + count):
        gap = STEP_TICKS - LENGTH_TICKS if index > first else 0
        events += event(gap, 0x90 | channel, pitch_at(index), VELOCITY)
        events += event(LENGTH_TICKS, 0x80 | channel, pitch_at(index), 0)
    return events


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4) + content


def track(*events: bytes, end: bytes = END_OF_TRACK) -> bytes:
    return chunk(b"MTrk", b"".join(events) + end)


def midi_file(*tracks: bytes, division: int = 480, declared: int | None = None, kind: int = 1) -> bytes:
    header = kind.to_bytes(2) + (len(tracks) if declared is None else declared).to_bytes(2) + division.to_bytes(2)
    return chunk(b"MThd", header) + b"".join(tracks)


def rmid(content: bytes, before: bytes = b"") -> bytes:
    """A MIDI file in a RIFF shell, after other chunks of it."""
    data = before + b"data" + len(content).to_bytes(4, "little") + content + b"\x00" * (len(content) % 2)
    return b"RIFF" + (4 + len(data)).to_bytes(4, "little") + b"RMID" + data


PLAIN = midi_file(track(plain()))


def mpe_line(count: int = 120, channels: Sequence[int] = range(1, 16)) -> bytes:
    """One note after another, each on the next of these channels."""
    events = b""
    for index in range(count):
        channel = channels[index % len(channels)]
        events += event(20 if index else 0, 0x90 | channel, pitch_at(index), 100)
        events += event(220, 0x80 | channel, pitch_at(index), 0)
    return events


def expressed_notes(channels: Sequence[int], length: int = 220, expression: int = 0xE0) -> bytes:
    """Notes 240 ticks apart on these channels, each with an expression of its own at its beginning, and one while it sounds."""
    events: list[tuple[int, bytes]] = []
    for index, channel in enumerate(channels):
        at, pitch = 240 * index, pitch_at(index)
        data = {0xE0: (0, 64), 0xB0: (74, 64), 0xD0: (0,)}[expression]
        events += [
            (at, bytes([expression | channel, *data])),
            (at, bytes([0x90 | channel, pitch, 100])),
            (at + 100, bytes([0xE0 | channel, index, 65])),
            (at + length, bytes([0x80 | channel, pitch, 0])),
        ]
    events.sort(key=lambda timed: timed[0])
    ticks = [0, *(at for at, _ in events)]
    return b"".join(number(at - before) + data for before, (at, data) in zip(ticks, events, strict=False))


def odd_files(count: int = 80) -> dict[str, bytes]:
    """Files that hold so many plain notes and something odd."""
    whole = midi_file(track(plain(count)))
    return {
        "a key signature of eight sharps": midi_file(track(meta(0x59, b"\x08\x00"), plain(count))),
        "a RIFF shell": rmid(whole),
        "a RIFF shell with texts before the file": rmid(whole, b"LIST\x10\x00\x00\x00INFOINAM\x04\x00\x00\x00tune"),
        "a file of type 2": midi_file(track(plain(count)), kind=2),
        "two hundred empty tracks": midi_file(*[track()] * 200, track(plain(count))),
        "a text of 76,800 bytes": midi_file(track(meta(0x01, bytes(range(256)) * 300), plain(count))),
        "a header of another program's before it": bytes(128) + whole,
        "a header that is longer than ours": b"MThd"
        + (8).to_bytes(4)
        + b"\x00\x01\x00\x01\x01\xe0??"
        + track(plain(count)),
        "a vendor's chunk between the tracks": midi_file(
            track(), chunk(b"XFIH", b"\x90\xff\x00"), track(plain(count)), declared=2
        ),
        "no end of track": midi_file(track(plain(count), end=b"")),
        "padding after the last track": whole + bytes(9),
        "a track that ends before its chunk does": midi_file(
            track(plain(count), END_OF_TRACK, b"\x00\x90\x3c\x50\x10")
        ),
        "a length that was never written": whole[:18] + b"\xff\xff\xff\xff" + whole[22:],
        "an F7 escape with bytes over 127": midi_file(track(b"\x00\xf7\x03\x90\xff\x80", plain(count))),
        "a system exclusive message with bytes over 127": midi_file(
            track(b"\x00\xf0\x04\x43\xff\x90\xf7", plain(count))
        ),
        "a system exclusive message in two pieces": midi_file(
            track(b"\x00\xf0\x02\x43\x12\x00\xf7\x02\x43\xf7", plain(count))
        ),
        "a tempo of no time": midi_file(track(tempo(0), plain(count))),
        "a meter over a 2048th": midi_file(track(meter(4, 11), plain(count))),
        "active sensing among the events": midi_file(track(b"\x00\xfe\x00\xf8", plain(count))),
        "meters of nothing": midi_file(track(meter(0, 2), plain(count))),
    }


ODD_FILES = odd_files()

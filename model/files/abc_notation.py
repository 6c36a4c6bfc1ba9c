"""Reads ABC notation with abc2midi, a program that symusic ships.

Repeats and ornaments are played as abc2midi plays them; the chords that it would improvise from chord symbols are left out.
abc2midi does not write where bars begin after a pickup, so the first bar is converted once more by itself to measure it. In a
book of tunes every tune becomes a track, and tempo and meter are those of the first tune.
"""

import os
import re
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.errors import UnreadableError
from model.files.midi.midi_reader import read_midi
from model.files.score import FileScore
from model.files.time_signature import with_pickup

LONGEST_S = 10.0
_TUNE = re.compile(r"^X:", re.MULTILINE)
_KEY = re.compile(r"^(K:.*)$", re.MULTILINE)
# abc2midi would roll chords, and accompany the tune. These lines are allowed only after the key.
_AS_WRITTEN = "%%MIDI chordattack 0\n%%MIDI gchordoff"
_NO_METER = re.compile(r"^M:\s*none\b", re.MULTILINE)
# What a tune's text consists of, after its key: texts, ornaments, fields and comments, of which no letter counts; bar lines; notes and rests.
_PIECE = re.compile(
    r"""\"[^"\n]*\"|![^!\n]*!|%.*|^[A-Za-z]:.*|\[[A-Za-z]:[^\]\n]*\]|(?P<bar_line>\[\||:*\||::)|(?P<note>[A-Ga-gxz])""",
    re.MULTILINE,
)


def read_abc(content: bytes) -> FileScore:
    """All tunes of a file. Raises UnreadableError if it holds none."""
    text = _text_of(content)
    begins = [match.start() for match in _TUNE.finditer(text)]
    if not begins:
        raise UnreadableError("holds no tune: one begins with a line X:1")
    tunes = [text[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]
    read = [(tune, score) for tune in tunes if (score := _by_abc2midi(tune)) is not None]
    if not read:
        raise UnreadableError("holds no tune that abc2midi can read")
    first_tune, first = read[0]
    scores = [score for _, score in read]
    parts = tuple(
        replace(part, track=16 * number + part.track) for number, score in enumerate(scores) for part in score.parts
    )
    remarks = [] if len(tunes) == 1 else [f"holds {len(tunes)} tunes"]
    if len(scores) < len(tunes):
        remarks.append(f"holds {len(tunes) - len(scores)} that abc2midi cannot read")
    meters = with_pickup(first.meters, _first_bar_beats(first_tune))
    return replace(first, parts=parts, meters=meters, remarks=tuple(remarks))


def _text_of(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # old tune books use it, and it decodes any byte


def _first_bar_beats(tune: str) -> float:
    """How long the music before the first bar line is; 0.0 if there is none, or the tune has no meter."""
    key = _KEY.search(tune)
    if key is None or _NO_METER.search(tune):
        return 0.0
    has_notes = False
    for piece in _PIECE.finditer(tune, key.end()):
        if piece["bar_line"] and has_notes:
            # A note after it begins where the bar ends, also if that ends with a rest.
            score = _by_abc2midi(f"{tune[: piece.start()]}|C|\n")
            ticks = [] if score is None else [int(part.tick.max()) for part in score.parts]
            return max(ticks) / score.ticks_per_beat if score is not None and ticks else 0.0
        has_notes |= piece["note"] is not None
    return 0.0


def _by_abc2midi(tune: str) -> FileScore | None:
    """A tune, converted to a MIDI file and read back; None if abc2midi cannot convert it."""
    import symusic  # noqa: F401  it sets the path of abc2midi in the environment

    with tempfile.TemporaryDirectory(prefix="fours-abc-") as folder:
        source, made = Path(folder) / "tune.abc", Path(folder) / "tune.mid"
        source.write_text(_KEY.sub(rf"\1\n{_AS_WRITTEN}", tune, count=1), encoding="utf-8")
        command = [os.environ["SYMUSIC_ABC2MIDI"], str(source), "-silent", "-o", str(made)]
        try:
            subprocess.run(command, capture_output=True, timeout=LONGEST_S, check=False)
            score = read_midi(made.read_bytes())
        except (OSError, subprocess.TimeoutExpired, UnreadableError):
            return None
    # abc2midi starts every note one tick late, to separate it from the note before.
    parts = tuple(replace(part, tick=np.maximum(part.tick - 1, 0)) for part in score.parts)
    return replace(score, parts=parts)

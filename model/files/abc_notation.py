"""Reads ABC notation with abc2midi, a program that symusic ships.

Repeats and ornaments are played as abc2midi plays them. abc2midi does not write where bars begin after a pickup, so that is
unknown. In a book of tunes every tune becomes a track, and tempo and meter are those of the first tune.
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

LONGEST_S = 10.0
_TUNE = re.compile(r"^X:", re.MULTILINE)
_KEY = re.compile(r"^(K:.*)$", re.MULTILINE)


def read_abc(content: bytes) -> FileScore:
    """All tunes of a file. Raises UnreadableError if it holds none."""
    text = _text_of(content)
    begins = [match.start() for match in _TUNE.finditer(text)]
    if not begins:
        raise UnreadableError("holds no tune: one begins with a line X:1")
    tunes = [text[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]
    scores = [score for tune in tunes if (score := _by_abc2midi(tune)) is not None]
    if not scores:
        raise UnreadableError("holds no tune that abc2midi can read")
    parts = tuple(
        replace(part, track=16 * number + part.track) for number, score in enumerate(scores) for part in score.parts
    )
    remarks = [] if len(tunes) == 1 else [f"holds {len(tunes)} tunes"]
    if len(scores) < len(tunes):
        remarks.append(f"holds {len(tunes) - len(scores)} that abc2midi cannot read")
    return replace(scores[0], parts=parts, remarks=tuple(remarks))


def _text_of(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # old tune books use it, and it decodes any byte


def _by_abc2midi(tune: str) -> FileScore | None:
    """A tune, converted to a MIDI file and read back; None if abc2midi cannot convert it."""
    import symusic  # noqa: F401  it sets the path of abc2midi in the environment

    with tempfile.TemporaryDirectory(prefix="fours-abc-") as folder:
        source, made = Path(folder) / "tune.abc", Path(folder) / "tune.mid"
        # Without this line abc2midi rolls chords. The line is allowed only after the key.
        source.write_text(_KEY.sub(r"\1\n%%MIDI chordattack 0", tune, count=1), encoding="utf-8")
        command = [os.environ["SYMUSIC_ABC2MIDI"], str(source), "-silent", "-o", str(made)]
        try:
            subprocess.run(command, capture_output=True, timeout=LONGEST_S, check=False)
            score = read_midi(made.read_bytes())
        except (OSError, subprocess.TimeoutExpired, UnreadableError):
            return None
    # abc2midi starts every note one tick late, to separate it from the note before.
    parts = tuple(replace(part, tick=np.maximum(part.tick - 1, 0)) for part in score.parts)
    return replace(score, parts=parts)

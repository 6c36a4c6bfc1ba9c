"""`read_chart`: the chart that a text means: the name of a form, a chart in text, a link of iReal Pro, or the path of a file.

After any of them may come a key: `blues in Bb`, `tunes/song.txt in A minor`.
"""

import difflib
import re
from dataclasses import replace
from pathlib import Path

from model.analysis.scale import Key, parse_key
from model.errors import ChartError, ModelError, UnreadableError, cut_short
from model.files.charts.midi_chords import chart_of_midi
from model.files.charts.musicxml_harmony import chart_of_musicxml
from model.files.score_reader import MIDI_SUFFIXES, MUSICXML_SUFFIXES
from model.harmony.chart import NO_CHART, Chart
from model.harmony.chord import note_name
from model.harmony.forms import FORMS
from model.harmony.notations.chord_cells import is_chord, is_sign, with_beats
from model.harmony.notations.chordpro import is_chordpro, read_chordpro
from model.harmony.notations.ireal import is_ireal, read_ireal
from model.harmony.notations.text_chart import MAX_CHARACTERS, read_text_chart
from model.named_file import expand_home, read_regular_file, shown_path

TEXT_SUFFIXES = frozenset(
    {".txt", ".chart", ".html", ".irealb", ".irealbook", ".cho", ".crd", ".chopro", ".chordpro", ".pro"}
)
CHORDPRO_SUFFIXES = frozenset({".cho", ".crd", ".chopro", ".chordpro", ".pro"})
MAX_BYTES = 10_000_000
LONGEST_SHOWN = 60
"""An error message shows at most this many characters of a text that is no chart."""

_IN_KEY = re.compile(
    r"(?P<chart>.*\S)\s+in\s+(?P<key>[A-Ga-g](?:[#b♯♭]|[\s-]?(?:flat|sharp))?(?:\s*(?:m|min|minor|maj|major|[a-z]+))?)\s*",
    re.DOTALL,
)
# Other names of the forms.
_OTHER_NAMES = {
    "12-bar blues": "blues", "twelve-bar blues": "blues", "major blues": "blues", "rhythm changes A": "rhythm changes",
    "I-vi-ii-V": "turnaround", "I-V-vi-IV": "pop", "I-IV-V": "folk", "2-5-1": "ii-V-I", "50s": "doo-wop",
}  # fmt: skip


def read_chart(text: str) -> Chart | None:
    """The chart that a text means; None for `off` and for an empty text.

    Raises ChartError where there is no such form and no such file, or where it holds no chart.
    """
    plain = text.strip()
    if plain.lower() in {"", NO_CHART}:
        return None
    without_key, key = _split_key(plain)
    chart = _without_key(without_key)
    if chart is None:
        raise ChartError(_unknown(plain))
    return chart if key is None else _in_key(chart, key, without_key)


def names_file(text: str) -> bool:
    """Whether `read_chart` would read this text's chart from a file; asks no disk."""
    plain, _ = _split_key(text.strip())
    is_other = _form_name(plain) is not None or any(sign in plain for sign in ("://", "|", "\n")) or _is_list(plain)
    return bool(Path(plain).suffix) and not is_other


def form_chart(name: str) -> Chart:
    """The chart of a form that comes with the program. Raises KeyError."""
    return read_text_chart(FORMS[name])


def describe_chart(chart: Chart) -> str:
    """A chart in a few words, for a line of text: its title, its length and its meter."""
    bars = f"{len(chart.bars)} bar{'' if len(chart.bars) == 1 else 's'}"
    return ", ".join(part for part in (chart.title, bars, chart.meter) if part)


def _split_key(text: str) -> tuple[str, Key | None]:
    """A text without the key that it may name at its end, and that key."""
    # A form's name may hold the word itself: "ii-V-I in all keys".
    in_key = None if _form_name(text) else _IN_KEY.fullmatch(text)
    key = _key(in_key["key"]) if in_key else None
    return (text, None) if in_key is None or key is None else (in_key["chart"].strip(), key)


def _without_key(text: str) -> Chart | None:
    """The chart of a form, a text or a file; None where the text is none of them."""
    name = _form_name(text)
    if name is not None:
        return form_chart(name)
    if "://" in text:
        return read_ireal(text)
    if "|" in text or "\n" in text:
        return read_chordpro(text) if is_chordpro(text) else read_text_chart(text)
    if _is_list(text):
        return read_text_chart(text)
    return _of_file(text) if Path(text).suffix else None


def _is_list(text: str) -> bool:
    """Whether a text of one line is a list of chords, such as `C Am F G`: most of it are chords, and the first is one."""
    words = [word for word in with_beats(re.split(r"[\s,;\u2192>-]+", text)) if not is_sign(word)]
    chords = [word for word in words if is_chord(word)]
    return bool(words) and is_chord(words[0]) and 2 * len(chords) > len(words)


def _of_file(text: str) -> Chart:
    path = Path(text)
    suffix = path.suffix.lower()
    known = TEXT_SUFFIXES | MIDI_SUFFIXES | MUSICXML_SUFFIXES
    if suffix not in known:
        raise ChartError(f"{path.name} is no chart; its name ends with one of {', '.join(sorted(known))}")
    try:
        path = expand_home(text)
        content = read_regular_file(path, MAX_BYTES)
    except OSError as error:
        raise ChartError(f"the chart {shown_path(path)} cannot be read: {error.strerror or error}") from error
    try:
        chart = chart_of(content, suffix)
    except UnreadableError as error:
        raise ChartError(f"{path.name} {error}") from error
    except ModelError as error:
        raise ChartError(f"{path.name}: {error}") from error
    return chart if chart.title else replace(chart, title=path.stem)


def chart_of(content: bytes, suffix: str) -> Chart:
    """The chart in the content of a file with this suffix. Raises ChartError, or UnreadableError."""
    if suffix in MIDI_SUFFIXES:
        return chart_of_midi(content)
    if suffix in MUSICXML_SUFFIXES:
        return chart_of_musicxml(content)
    text = content[: 20 * MAX_CHARACTERS].decode("utf-8-sig", errors="replace")
    if is_ireal(text):
        return read_ireal(text)
    return read_chordpro(text) if suffix in CHORDPRO_SUFFIXES or is_chordpro(text) else read_text_chart(text)


def _form_name(text: str) -> str | None:
    return _BY_PLAIN_NAME.get(_plain_name(text))


def _plain_name(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.strip().lower()))


_BY_PLAIN_NAME = {
    _plain_name(called): name for called, name in [*((name, name) for name in FORMS), *_OTHER_NAMES.items()]
}


def _key(text: str) -> Key | None:
    signed = re.sub(r"[\s-]?(flat|sharp)", lambda word: "b" if word[1] == "flat" else "#", text)
    try:
        return parse_key(signed)
    except ValueError:
        return None


def _in_key(chart: Chart, key: Key, name: str) -> Chart:
    """The chart in another key; a form has the key in its title. A remark says where the chart could not be moved as asked."""
    moved = chart.transposed_to(key)
    remarks = list(chart.remarks)
    if chart.key is None:
        remarks.append(
            f"the chart names no key: it was transposed from {note_name(chart.tonic)}, its first chord, to {note_name(key.tonic)}; "
            "a line such as Key: C says it"
        )
    elif key.mode not in {"major", chart.key.mode}:
        remarks.append(f"the chart is in {chart.key.mode}, and stays so: it was transposed to {moved.key}")
    title = chart.title
    if _form_name(name) is not None:
        start, _, own_key = title.rpartition(" in ")
        # A form that goes through all keys begins in this one.
        begins = f"{start} in" if _key(own_key) else f"{title}, from"
        title = f"{begins} {str(moved.key).removesuffix(' major')}"
    return replace(moved, title=title, remarks=tuple(remarks))


def _unknown(text: str) -> str:
    form, _, key = text.rpartition(" in ")
    if _form_name(form) is not None:
        return f'"{cut_short(key, LONGEST_SHOWN)}" is no key for the chart {form}: a key is a note, such as Bb or F#, with minor after it or not'
    near = difflib.get_close_matches(_plain_name(text), _BY_PLAIN_NAME, n=1)
    hint = f"did you mean {_BY_PLAIN_NAME[near[0]]}?" if near else f"a form is one of {', '.join(FORMS)}"
    return f'there is no chart "{cut_short(text, LONGEST_SHOWN)}": it is no form, no file and no bars such as | F7 | Bb7 |; {hint}'

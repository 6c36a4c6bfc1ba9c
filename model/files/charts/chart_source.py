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
from model.harmony.chordpro import is_chordpro, read_chordpro
from model.harmony.forms import FORMS
from model.harmony.ireal import is_ireal, read_ireal
from model.harmony.text_chart import MAX_CHARACTERS, read_text_chart

TEXT_SUFFIXES = frozenset(
    {".txt", ".chart", ".html", ".irealb", ".irealbook", ".cho", ".crd", ".chopro", ".chordpro", ".pro"}
)
CHORDPRO_SUFFIXES = frozenset({".cho", ".crd", ".chopro", ".chordpro", ".pro"})
MAX_BYTES = 10_000_000
LONGEST_SHOWN = 60
"""An error message shows at most this many characters of a text that is no chart."""

_IN_KEY = re.compile(
    r"(?P<chart>.*\S)\s+in\s+(?P<key>[A-G][#b♯♭]?(?:\s*(?:m|min|minor|maj|major|[a-z]+))?)\s*", re.DOTALL
)
_BY_LOWER_NAME = {name.lower(): name for name in FORMS}


def read_chart(text: str) -> Chart | None:
    """The chart that a text means; None for `off` and for an empty text.

    Raises ChartError where there is no such form and no such file, or where it holds no chart.
    """
    plain = text.strip()
    if plain.lower() in {"", NO_CHART}:
        return None
    # A form's name may hold the word itself: "ii-V-I in all keys".
    in_key = None if _form_name(plain) else _IN_KEY.fullmatch(plain)
    key = _key(in_key["key"]) if in_key else None
    chart = _without_key(in_key["chart"].strip() if in_key and key else plain)
    if chart is not None:
        return chart if in_key is None or key is None else _named(chart.transposed_to(key), in_key["chart"])
    raise ChartError(_unknown(plain))


def form_chart(name: str) -> Chart:
    """The chart of a form that comes with the program. Raises KeyError."""
    return read_text_chart(FORMS[name])


def describe_chart(chart: Chart) -> str:
    """A chart in a few words, for a line of text: its title, its length and its meter."""
    bars = f"{len(chart.bars)} bar{'' if len(chart.bars) == 1 else 's'}"
    return ", ".join(part for part in (chart.title, bars, chart.meter) if part)


def _without_key(text: str) -> Chart | None:
    """The chart of a form, a text or a file; None where the text is none of them."""
    name = _form_name(text)
    if name is not None:
        return form_chart(name)
    if "://" in text:
        return read_ireal(text)
    if "|" in text or "\n" in text:
        return read_chordpro(text) if is_chordpro(text) else read_text_chart(text)
    return _of_file(Path(text).expanduser()) if Path(text).suffix else None


def _of_file(path: Path) -> Chart:
    suffix = path.suffix.lower()
    known = TEXT_SUFFIXES | MIDI_SUFFIXES | MUSICXML_SUFFIXES
    if suffix not in known:
        raise ChartError(f"{path.name} is no chart; its name ends with one of {', '.join(sorted(known))}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ChartError(f"{path.name} is too long for a chart: more than {MAX_BYTES:,} bytes")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ChartError(f"the chart {path} cannot be read: {reason}") from error
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
    return _BY_LOWER_NAME.get(" ".join(text.lower().replace("_", " ").split()))


def _key(text: str) -> Key | None:
    try:
        return parse_key(text)
    except ValueError:
        return None


def _named(chart: Chart, name: str) -> Chart:
    """The chart of a transposed form with its key in the title; any other chart as it is."""
    form = _form_name(name)
    if form is None:
        return chart
    return replace(chart, title=f"{form[0].upper()}{form[1:]} in {str(chart.key).removesuffix(' major')}")


def _unknown(text: str) -> str:
    near = difflib.get_close_matches(text.lower(), _BY_LOWER_NAME, n=1)
    hint = f"did you mean {_BY_LOWER_NAME[near[0]]}?" if near else f"a form is one of {', '.join(FORMS)}"
    return f'there is no chart "{cut_short(text, LONGEST_SHOWN)}": it is no form, no file and no bars such as | F7 | Bb7 |; {hint}'

"""The chart of a MusicXML file, plain or packed: its chord symbols (`harmony`), bars, repeats and endings; notes only count time."""

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

from model.analysis.scale import Key
from model.errors import ChartError, ChordError, UnreadableError, cut_short
from model.files.musicxml_source import unpacked
from model.harmony.chart import MAX_BARS, Chart, ChartBar
from model.harmony.chord import OCTAVE, Chord
from model.harmony.chord_symbol import parse_chord
from model.harmony.notations.chord_cells import other_meter
from model.harmony.notations.unfolding import WrittenBar, unfold

_SUFFIXES = {
    "major": "", "minor": "m", "augmented": "+", "diminished": "dim", "dominant": "7", "major-seventh": "maj7",
    "minor-seventh": "m7", "diminished-seventh": "dim7", "augmented-seventh": "+7", "half-diminished": "m7b5",
    "major-minor": "mmaj7", "major-sixth": "6", "minor-sixth": "m6", "dominant-ninth": "9", "major-ninth": "maj9",
    "minor-ninth": "m9", "dominant-11th": "11", "major-11th": "maj11", "minor-11th": "m11", "dominant-13th": "13",
    "major-13th": "maj13", "minor-13th": "m13", "suspended-second": "sus2", "suspended-fourth": "sus4", "power": "5",
    "none": "N.C.",
}  # fmt: skip
_SIGNS = {"-2": "bb", "-1": "b", "0": "", "1": "#", "2": "##", "": ""}
_TONICS_OF_FIFTHS = {fifths: fifths * 7 % 12 for fifths in range(-7, 8)}
MAX_REMARKS = 20
LONGEST_METER = 10


def chart_of_musicxml(content: bytes) -> Chart:
    """The chart of a file. Raises UnreadableError where it is no MusicXML, ChartError where it has no chord symbol."""
    try:
        root = ET.fromstring(unpacked(content))  # noqa: S314  expat limits what entities grow to
    except ET.ParseError as error:
        raise UnreadableError(f"is not MusicXML that can be read ({error})") from error
    for element in root.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    part = next((part for part in root.iter("part") if part.find(".//harmony") is not None), None)
    if part is None:
        raise ChartError("the score has no chord symbols")
    reader = _PartReader()
    for measure in list(part.iter("measure"))[:MAX_BARS]:
        reader.read(measure)
    bars, _ = unfold(reader.written)
    title = root.findtext("work/work-title") or root.findtext("movement-title") or ""
    chart = Chart(bars, title.strip()[:80], reader.key, reader.meter, tuple(reader.remarks[:MAX_REMARKS]))
    return _as_it_sounds(chart, int(_number(part.findtext("measure/attributes/transpose/chromatic"))))


def _as_it_sounds(chart: Chart, semitones: int) -> Chart:
    """The chart of a part for a transposing instrument: its chords and key are written so many semitones away from what sounds."""
    if semitones % OCTAVE == 0:
        return chart
    mode = chart.key.mode if chart.key else "major"
    sounding = chart.transposed_to(Key((chart.tonic + semitones) % OCTAVE, mode))
    return sounding if chart.key else replace(sounding, key=None)


class _PartReader:
    def __init__(self) -> None:
        self.written: list[WrittenBar] = []
        self.remarks: list[str] = []
        self.meter = ""
        self.key: Key | None = None
        self._has_other_meter = False
        self._divisions = 1.0
        self._last: Chord | None = None

    def read(self, measure: ET.Element) -> None:
        """One measure: where its chords begin, and what its bar lines say."""
        at = 0.0
        starts: list[float] = []
        chords: list[Chord | None] = []
        written = WrittenBar(ChartBar(()))
        for element in measure:
            match element.tag:
                case "attributes":
                    self._read_attributes(element)
                case "note" if element.find("chord") is None and element.find("grace") is None:
                    at += self._beats(element)
                case "forward":
                    at += self._beats(element)
                case "backup":
                    at -= self._beats(element)
                case "harmony":
                    starts.append(max(at + _number(element.findtext("offset")) / self._divisions, 0.0))
                    chords.append(self._chord(element))
                case "barline":
                    _read_bar_line(element, written)
                case "direction" | "sound":
                    _read_jumps(element, written)
                case _:
                    pass
        if not starts or starts[0] > 0.0:
            starts.insert(0, 0.0)
            chords.insert(0, self._last)
        self._last = chords[-1]
        written.bar = ChartBar(tuple(chords), tuple(starts) if len(starts) > 1 else ())
        self.written.append(written)

    def _beats(self, element: ET.Element) -> float:
        return _number(element.findtext("duration")) / self._divisions

    def _read_attributes(self, element: ET.Element) -> None:
        self._divisions = _number(element.findtext("divisions")) or self._divisions
        beats, unit = element.findtext("time/beats"), element.findtext("time/beat-type")
        if beats and unit:
            meter = f"{beats.strip()}/{unit.strip()}"
            if self.meter and meter != self.meter and not self._has_other_meter:
                self._has_other_meter = True
                self.remarks.append(other_meter(len(self.written) + 1, cut_short(meter, LONGEST_METER), self.meter))
            self.meter = self.meter or meter
        fifths = element.findtext("key/fifths")
        if fifths and self.key is None and int(_number(fifths)) in _TONICS_OF_FIFTHS:
            tonic = _TONICS_OF_FIFTHS[int(_number(fifths))]
            is_minor = element.findtext("key/mode") == "minor"
            self.key = Key((tonic + 9) % 12, "minor") if is_minor else Key(tonic, "major")

    def _chord(self, harmony: ET.Element) -> Chord | None:
        symbol = _symbol(harmony)
        try:
            self._last = parse_chord(symbol)
        except ChordError as error:
            self.remarks.append(f"bar {len(self.written) + 1}: {error}; the chord before goes on")
        return self._last


def _symbol(harmony: ET.Element) -> str:
    """The chord symbol that the elements of a `harmony` spell."""
    kind = (harmony.findtext("kind") or "").strip()
    text = harmony.find("kind")
    suffix = _SUFFIXES.get(kind, (text.get("text") or kind) if text is not None else kind)
    if suffix == "N.C.":
        return suffix
    for degree in harmony.iter("degree"):
        value, alter = (degree.findtext("degree-value") or "").strip(), (degree.findtext("degree-alter") or "").strip()
        match (degree.findtext("degree-type") or "").strip():
            case "subtract":
                suffix += f"no{value}"
            case "add" if alter in {"", "0"}:
                suffix += f"add{value}"
            case _:
                suffix += f"({_SIGNS.get(alter, '')}{value})"
    root = _note(harmony, "root")
    bass = _note(harmony, "bass")
    return f"{root}{suffix}/{bass}" if bass else f"{root}{suffix}"


def _note(harmony: ET.Element, name: str) -> str:
    step = (harmony.findtext(f"{name}/{name}-step") or "").strip()
    alter = (harmony.findtext(f"{name}/{name}-alter") or "").strip()
    return step + _SIGNS.get(alter.removesuffix(".0"), "") if step else ""


def _read_bar_line(element: ET.Element, written: WrittenBar) -> None:
    repeat, ending = element.find("repeat"), element.find("ending")
    if repeat is not None and repeat.get("direction") == "forward":
        written.begins_repeat = True
    elif repeat is not None:
        written.times = min(int(_number(repeat.get("times")) or 2), 16)
    if ending is not None and ending.get("type") == "start":
        written.endings = frozenset(int(digit) for digit in (ending.get("number") or "") if digit.isdigit())
    _read_jumps(element, written)


def _read_jumps(element: ET.Element, written: WrittenBar) -> None:
    for sound in element.iter():
        if sound.tag != "sound":
            written.is_segno |= sound.tag == "segno"
            written.is_coda |= sound.tag == "coda"
        elif sound.get("dacapo") == "yes":
            written.jump = "D.C."
        elif sound.get("dalsegno"):
            written.jump = "D.S."
        elif sound.get("fine"):
            written.is_fine = True


def _number(text: str | None) -> float:
    """A number that a file gives; 0 for none, and for one that is not finite."""
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0

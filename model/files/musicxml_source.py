"""The text of a MusicXML file, made ready for partitura: unpacked, and with what partitura leaves out put where it looks for it.

partitura 1.9 reads no program of an instrument, no octave of a transposition, and no metronome mark without a `sound` element.
"""

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from model.errors import UnreadableError

# A packed score unpacks to about twenty times its size; beyond this it would fill the memory.
LARGEST_BYTES = 64 * 2**20
_QUARTERS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}
_DOT = 1.5


@dataclass(frozen=True, slots=True)
class MusicXmlSource:
    """The text for partitura, and the program of each part by the part's id, counted from 0."""

    text: bytes
    programs: Mapping[str, int]


def source_of(content: bytes) -> MusicXmlSource:
    """What partitura can read of a file. Raises UnreadableError if it is no XML, or a zip file without a score."""
    try:
        root = ET.fromstring(unpacked(content))  # noqa: S314  expat limits what entities grow to
    except ET.ParseError as error:
        raise UnreadableError(f"is not MusicXML that can be read ({error})") from error
    for transposition in root.iter("transpose"):
        _add_octaves(transposition)
    for direction in root.iter("direction"):
        _add_tempo(direction)
    return MusicXmlSource(ET.tostring(root), _programs(root))


def unpacked(content: bytes) -> bytes:
    """The text of a score. An `.mxl` is a zip file whose container names the file with the score; anything else is plain.

    Raises UnreadableError for a zip file without a score, or with one that is too large.
    """
    if not content.startswith(b"PK"):
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            container = ET.fromstring(_read(packed, "META-INF/container.xml"))  # noqa: S314  only a file name is read from it
            names = [file.get("full-path") for file in container.iter() if file.tag.endswith("rootfile")]
            return _read(packed, str(names[0]))
    except (KeyError, IndexError, ValueError, zipfile.BadZipFile, ET.ParseError) as error:
        raise UnreadableError("is no packed MusicXML: it does not say which of its files is the score") from error


def _read(packed: zipfile.ZipFile, name: str) -> bytes:
    with packed.open(name) as file:  # the size that a zip file states may be wrong
        text = file.read(LARGEST_BYTES + 1)
    if len(text) > LARGEST_BYTES:
        raise UnreadableError(f"unpacks to more than {LARGEST_BYTES // 2**20} MB")
    return text


def _add_octaves(transposition: ET.Element) -> None:
    chromatic = transposition.find("chromatic")
    octaves = _number(transposition.findtext("octave-change")) or 0.0
    if chromatic is not None:
        chromatic.text = str(round((_number(chromatic.text) or 0.0) + 12 * octaves))


def _add_tempo(direction: ET.Element) -> None:
    """Adds the tempo of a metronome mark such as "dotted quarter = 80" as a `sound` element, if there is none."""
    mark = direction.find("direction-type/metronome")
    if mark is None or any("tempo" in sound.attrib for sound in direction.iter("sound")):
        return
    quarters = _QUARTERS.get(mark.findtext("beat-unit", ""), 0.0)
    per_minute = _number(mark.findtext("per-minute"))
    if not quarters or not per_minute or len(mark.findall("beat-unit")) > 1:
        return  # an unusual mark, or one note value against another
    if mark.find("beat-unit-dot") is not None:
        quarters *= _DOT
    ET.SubElement(direction, "sound", tempo=f"{per_minute * quarters:g}")


def _programs(root: ET.Element) -> dict[str, int]:
    found = {}
    for part in root.iter("score-part"):
        number = _number(part.findtext("midi-instrument/midi-program"))
        if number is not None and 1 <= number <= 128:
            found[part.get("id", "")] = round(number) - 1
    return found


def _number(text: str | None) -> float | None:
    """A number that a file gives; None for none, and for one that is not finite."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None

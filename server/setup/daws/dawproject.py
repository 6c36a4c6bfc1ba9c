"""A song with two routed tracks in the open DAWproject format, which Bitwig Studio, Studio One and Cubase read.

The format has no MIDI ports, so the tracks say in their comments which port each takes.
"""

import io
import zipfile
from xml.etree import ElementTree as ET

from model.defaults import DEFAULT_TEMPO_BPM
from server.setup.partner import FROM_TRACK, NAME, TO_TRACK, Partner

FORMAT_VERSION = "1.0"
# The earliest date that a zip can hold: equal songs give equal bytes.
NO_DATE = (1980, 1, 1, 0, 0, 0)


def dawproject_bytes(partner: Partner) -> bytes:
    """The content of the file: a zip of `project.xml` and `metadata.xml`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, root in (("metadata.xml", _metadata()), ("project.xml", project_xml(partner))):
            ET.indent(root)
            text = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
            archive.writestr(zipfile.ZipInfo(name, NO_DATE), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def project_xml(partner: Partner) -> ET.Element:
    """The tree of `project.xml`."""
    root = ET.Element("Project", version=FORMAT_VERSION)
    ET.SubElement(root, "Application", name=NAME, version=FORMAT_VERSION)
    transport = ET.SubElement(root, "Transport")
    tempo_bpm = partner.tempo_bpm or DEFAULT_TEMPO_BPM
    ET.SubElement(transport, "Tempo", id="tempo", unit="bpm", value=f"{tempo_bpm:g}", min="20", max="400")
    ET.SubElement(transport, "TimeSignature", id="meter", numerator="4", denominator="4")
    structure = ET.SubElement(root, "Structure")
    _track(structure, "to", TO_TRACK, f"Its MIDI output: {partner.midi_in}")
    _track(structure, "from", FROM_TRACK, f"Its MIDI input: {partner.midi_out}")
    master = ET.SubElement(structure, "Track", contentType="audio", loaded="true", id="master-track", name="Master")
    ET.SubElement(master, "Channel", audioChannels="2", role="master", solo="false", id="master")
    arrangement = ET.SubElement(root, "Arrangement", id="arrangement")
    lanes = ET.SubElement(arrangement, "Lanes", timeUnit="beats", id="lanes")
    for name in ("to", "from"):
        track_lanes = ET.SubElement(lanes, "Lanes", track=f"{name}-track", id=f"{name}-lanes")
        ET.SubElement(track_lanes, "Clips", id=f"{name}-clips")
    return root


def _track(structure: ET.Element, name: str, title: str, comment: str) -> None:
    attributes = {"contentType": "notes", "loaded": "true", "id": f"{name}-track", "name": title, "comment": comment}
    track = ET.SubElement(structure, "Track", attributes)
    channel = {
        "audioChannels": "2",
        "destination": "master",
        "role": "regular",
        "solo": "false",
        "id": f"{name}-channel",
    }
    ET.SubElement(track, "Channel", channel)


def _metadata() -> ET.Element:
    root = ET.Element("MetaData")
    ET.SubElement(root, "Title").text = NAME
    return root

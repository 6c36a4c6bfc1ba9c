"""The project template against the rules of the format's own schema (bitwig/dawproject, Project.xsd and MetaData.xsd) for what we use of it."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest

from server.setup.daws.bitwig import PROJECT, bitwig_files
from server.setup.partner import Partner


@dataclass(frozen=True, slots=True)
class Rule:
    """What an element of the schema may hold."""

    children: tuple[str, ...] = ()
    """In this order; those in `repeated` as often as one likes."""
    repeated: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Each with its type."""
    required: frozenset[str] = frozenset()


REFERENCEABLE = {"id": "ID", "name": "string", "color": "string", "comment": "string"}
TIMELINE = {**REFERENCEABLE, "timeUnit": "beats seconds", "track": "IDREF"}
RULES = {
    "Project": Rule(
        ("Application", "Transport", "Structure", "Arrangement", "Scenes"),
        attributes={"version": "string"},
        required=frozenset({"version"}),
    ),
    "Application": Rule(attributes={"name": "string", "version": "string"}, required=frozenset({"name", "version"})),
    "Transport": Rule(("Tempo", "TimeSignature")),
    "Tempo": Rule(
        attributes={
            **REFERENCEABLE,
            "parameterID": "int",
            "max": "string",
            "min": "string",
            "unit": "linear normalized percent decibel hertz semitones seconds beats bpm",
            "value": "string",
        },
        required=frozenset({"unit"}),
    ),
    "TimeSignature": Rule(
        attributes={**REFERENCEABLE, "parameterID": "int", "numerator": "int", "denominator": "int"},
        required=frozenset({"numerator", "denominator"}),
    ),
    "Structure": Rule(("Track", "Channel"), repeated=True),
    "Track": Rule(
        ("Channel", "Track"),
        attributes={
            **REFERENCEABLE,
            "contentType": "audio automation notes video markers tracks",
            "loaded": "boolean",
        },
    ),
    "Channel": Rule(
        ("Devices", "Mute", "Pan", "Sends", "Volume"),
        attributes={
            **REFERENCEABLE,
            "audioChannels": "int",
            "destination": "IDREF",
            "role": "regular master effect submix vca",
            "solo": "boolean",
        },
    ),
    "Arrangement": Rule(("Lanes", "Markers", "TempoAutomation", "TimeSignatureAutomation"), attributes=REFERENCEABLE),
    "Lanes": Rule(("Lanes", "Notes", "Clips", "Points"), repeated=True, attributes=TIMELINE),
    "Clips": Rule(("Clip",), repeated=True, attributes=TIMELINE),
    "MetaData": Rule(("Title", "Artist", "Album", "Composer", "Comment")),
    "Title": Rule(),
}


def parts(partner: Partner) -> dict[str, ET.Element]:
    """The trees in the template, by their file's name."""
    archive = zipfile.ZipFile(BytesIO(bitwig_files(partner)[PROJECT]))
    return {name: ET.fromstring(archive.read(name)) for name in archive.namelist()}  # noqa: S314  we wrote it


def mistakes(element: ET.Element, ids: set[str]) -> list[str]:
    """What the schema has against an element and all below it."""
    rule, found = RULES.get(element.tag), []
    if rule is None:
        return [f"no element {element.tag}"]
    names = [child.tag for child in element]
    places = [rule.children.index(name) if name in rule.children else -1 for name in names]
    if -1 in places:
        found.append(f"{element.tag} holds {names}")
    elif not rule.repeated and (places != sorted(places) or len(set(places)) < len(places)):
        found.append(f"{element.tag} holds {names} in this order")
    found += [f"{element.tag} needs {name}" for name in rule.required - set(element.attrib)]
    for name, value in element.attrib.items():
        kind = rule.attributes.get(name)
        is_right = {
            None: False,
            "string": True,
            "ID": True,
            "IDREF": value in ids,
            "int": value.lstrip("-").isdigit(),
            "boolean": value in {"true", "false"},
        }.get(kind, kind is not None and value in kind.split())
        if not is_right:
            found.append(f"{element.tag} has {name}={value}")
    return found + [mistake for child in element for mistake in mistakes(child, ids)]


@pytest.mark.parametrize("tempo_bpm", [None, 96.0, 97.53])
def test_the_template_keeps_to_the_schema_of_the_format(partner: Partner, tempo_bpm: float | None) -> None:
    trees = parts(replace(partner, tempo_bpm=tempo_bpm))
    assert (trees["project.xml"].tag, trees["metadata.xml"].tag) == ("Project", "MetaData")
    for tree in trees.values():
        ids = [element.attrib["id"] for element in tree.iter() if "id" in element.attrib]
        assert len(set(ids)) == len(ids)
        assert mistakes(tree, set(ids)) == []


def test_what_the_schema_forbids_is_found() -> None:
    tree = ET.fromstring(  # noqa: S314
        '<Project><Structure><Track id="a" loaded="yes" port="1"><Channel destination="b"/></Track></Structure>'
        '<Application name="A"/></Project>'
    )
    assert mistakes(tree, {"a"}) == [
        "Project holds ['Structure', 'Application'] in this order",
        "Project needs version",
        "Track has loaded=yes",
        "Track has port=1",
        "Channel has destination=b",
        "Application needs version",
    ]

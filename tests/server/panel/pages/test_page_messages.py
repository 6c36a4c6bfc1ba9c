import json

import pytest

from model.harmony.chart import MAX_BARS
from server.errors import BadMessage
from server.panel.pages.page_messages import (
    LONGEST_MESSAGE,
    LearnControl,
    PageMessage,
    Ping,
    PlayMessage,
    SetControl,
    read_page_message,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"play","data":[144,60,80]}', PlayMessage(bytes([144, 60, 80]))),
        ('{"type":"play","data":[128,60,0]}', PlayMessage(bytes([128, 60, 0]))),
        ('{"type":"play","data":[191,64,127]}', PlayMessage(bytes([191, 64, 127]))),
        ('{"type":"set","control":"temperature","value":0.7}', SetControl("temperature", 0.7)),
        ('{"type":"set","control":"mode","value":"fours"}', SetControl("mode", "fours")),
        ('{"type":"set","control":"respond","value":true}', SetControl("respond", value=True)),
        ('{"type":"learn","control":"tempo"}', LearnControl("tempo")),
        ('{"type":"learn","control":null}', LearnControl(None)),
        ('{"type":"ping","sent_ms":12.5}', Ping(12.5)),
    ],
)
def test_a_message_of_a_page_is_read(text: str, message: PageMessage) -> None:
    assert read_page_message(text) == message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the message is not JSON"),
        ("hello", "the message is not JSON"),
        ("[" * LONGEST_MESSAGE, "the message is not JSON"),
        ('{"type":"play","data":[144,60,80]', "the message is not JSON"),
        ("3", "a message is an object with a type"),
        ("[]", "a message is an object with a type"),
        ("{}", "a message's type is play, set, learn or ping"),
        ('{"type":"quit"}', "a message's type is play, set, learn or ping"),
        ('{"type":["play"]}', "a message's type is play, set, learn or ping"),
        ('{"type":"play"}', "a play message has data, and nothing else"),
        ('{"type":"play","data":"144"}', "a play message has data, and nothing else"),
        ('{"type":"play","data":[144,60,80],"at":3}', "a play message has data, and nothing else"),
        ('{"type":"play","data":[144,60]}', "data is 3 whole numbers: a MIDI message"),
        ('{"type":"play","data":[144,60,80,1]}', "data is 3 whole numbers: a MIDI message"),
        ('{"type":"play","data":[144,60,80.5]}', "data is 3 whole numbers: a MIDI message"),
        ('{"type":"play","data":[144,60,true]}', "data is 3 whole numbers: a MIDI message"),
        ('{"type":"play","data":[240,60,80]}', "the panel takes notes and controllers, and 240 is no status byte of theirs"),
        ('{"type":"play","data":[400,60,80]}', "the panel takes notes and controllers, and 400 is no status byte of theirs"),
        ('{"type":"play","data":[-112,60,80]}', "the panel takes notes and controllers, and -112 is no status byte of theirs"),
        ('{"type":"play","data":[144,128,80]}', "what follows a status byte is 0 to 127"),
        ('{"type":"play","data":[144,60,-1]}', "what follows a status byte is 0 to 127"),
        ('{"type":"set","control":"mode"}', "a set message has control and value, and nothing else"),
        ('{"type":"set","control":1,"value":1}', "a set message has control and value, and nothing else"),
        ('{"type":"set","control":"mode","value":null}', "a set message has control and value, and nothing else"),
        ('{"type":"set","control":"mode","value":["fours"]}', "a set message has control and value, and nothing else"),
        ('{"type":"learn"}', "a learn message has control, and nothing else"),
        ('{"type":"learn","control":3}', "a learn message has control, and nothing else"),
        ('{"type":"learn","control":"tempo","cc":74}', "a learn message has control, and nothing else"),
        ('{"type":"ping","sent_ms":"now"}', "a ping message has sent_ms, and nothing else"),
        (" " * (LONGEST_MESSAGE + 1), f"a message has at most {LONGEST_MESSAGE} characters, and this one has {LONGEST_MESSAGE + 1}"),
        ('{"type":"ping","sent_ms":' + "9" * 400 + "}", "9" * 60 + "… is not a number that the panel takes"),
        ('{"type":"ping","sent_ms":NaN}', "NaN is not a number that the panel takes"),
        ('{"type":"ping","sent_ms":-Infinity}', "-Infinity is not a number that the panel takes"),
        ('{"type":"ping","sent_ms":1e999}', "1e999 is not a number that the panel takes"),
        ('{"type":"set","control":"respond","value":' + "9" * 400 + "}", "9" * 60 + "… is not a number that the panel takes"),
        (b"\x90\x3c\x50", "the panel takes text messages, and this one was binary"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_sentence_that_names_what_is_wrong(text: str | bytes, reason: str) -> None:
    with pytest.raises(BadMessage) as refusal:
        read_page_message(text)
    assert str(refusal.value) == reason


def test_a_message_that_is_cut_off_anywhere_is_refused() -> None:
    whole = json.dumps({"type": "set", "control": "temperature", "value": 0.7})
    for length in range(len(whole)):
        with pytest.raises(BadMessage):
            read_page_message(whole[:length])


def test_a_note_on_of_velocity_0_is_a_note_off() -> None:
    message = read_page_message('{"type":"play","data":[144,60,0]}')
    assert isinstance(message, PlayMessage)
    assert (message.is_note_on, message.is_note_off, message.key) == (False, True, (0, 60))


def test_a_chart_of_a_thousand_bars_fits() -> None:
    chart = " | ".join(["F#m7b5 B7 Ebmaj7"] * MAX_BARS)
    message = json.dumps({"type": "set", "control": "chart", "value": chart})
    assert read_page_message(message) == SetControl("chart", chart)

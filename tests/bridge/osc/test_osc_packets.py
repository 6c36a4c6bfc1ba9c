import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage as TheirMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.errors import BadOsc
from bridge.osc.osc_packets import (
    MAX_BUNDLE_BYTES,
    MAX_BUNDLE_DEPTH,
    OscArgument,
    OscMessage,
    decode,
    encode,
    encode_bundles,
)

TEMPERATURE = OscMessage("/fours/temperature", (0.5,))
FAR_FUTURE = 0xFFFFFFFF_00000000

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
arguments = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(width=32, allow_nan=False),
    st.booleans(),
    words,
)
spoken = st.builds(OscMessage, words.map("/".__add__), st.lists(arguments, max_size=6).map(tuple))


def bundle(*elements: bytes, timetag: int = 1) -> bytes:
    sized = b"".join(struct.pack(">i", len(element)) + element for element in elements)
    return b"#bundle\0" + struct.pack(">Q", timetag) + sized


def packet(address: str, *typed: tuple[str, OscArgument]) -> bytes:
    builder = OscMessageBuilder(address)
    for kind, argument in typed:
        builder.add_arg(argument, kind)
    return builder.build().dgram


@pytest.mark.parametrize(
    ("typed", "argument"),
    [
        (("f", 0.5), 0.5),
        (("d", 0.1), 0.1),
        (("i", -7), -7),
        (("h", 2**40), 2**40),
        (("s", "0,8"), "0,8"),
        (("s", ""), ""),
        (("T", True), True),
        (("F", False), False),
    ],
)
def test_an_argument_of_each_type_is_read(typed: tuple[str, OscArgument], argument: OscArgument) -> None:
    (message,) = decode(packet("/a", typed))
    assert message == OscMessage("/a", (argument,))
    assert type(message.arguments[0]) is type(argument)


def test_an_address_alone_is_a_question_with_or_without_type_tags() -> None:
    assert decode(b"/fours/tempo\0\0\0\0,\0\0\0") == decode(b"/fours/tempo\0\0\0\0") == (OscMessage("/fours/tempo"),)


@given(spoken)
def test_a_message_survives_the_wire(message: OscMessage) -> None:
    assert decode(encode(message)) == (message,)


@given(spoken)
def test_others_read_what_we_write(message: OscMessage) -> None:
    theirs = TheirMessage(encode(message))
    assert (theirs.address, tuple(theirs.params)) == (message.address, message.arguments)


@given(st.lists(spoken, max_size=4), st.integers(0, 2**64 - 1))
def test_a_bundle_is_its_messages_in_order_whatever_its_timetag(messages: list[OscMessage], timetag: int) -> None:
    assert decode(bundle(*map(encode, messages), timetag=timetag)) == tuple(messages)


def test_bundles_in_bundles_are_read_in_order() -> None:
    first, second, third = (OscMessage(f"/{number}") for number in (1, 2, 3))
    inner = bundle(encode(second), timetag=FAR_FUTURE)
    assert decode(bundle(encode(first), inner, encode(third))) == (first, second, third)


def test_a_bundle_that_python_osc_wrote_is_read() -> None:
    builder = OscBundleBuilder(IMMEDIATELY)
    content = OscMessageBuilder("/fours/respond")
    content.add_arg(1)
    builder.add_content(content.build())
    assert decode(builder.build().dgram) == (OscMessage("/fours/respond", (1,)),)


@given(st.data(), spoken)
def test_a_message_cut_off_anywhere_is_refused(data: st.DataObject, message: OscMessage) -> None:
    whole = encode(message)
    address_ends = (len(message.address.encode()) // 4 + 1) * 4
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    # What is left of a message cut right after its address is a question, by any reading.
    if len(cut) == address_ends:
        assert decode(cut) == (OscMessage(message.address),)
    else:
        with pytest.raises(BadOsc):
            decode(cut)


@given(st.binary(max_size=64))
def test_whatever_the_bytes_they_are_read_or_refused(data: bytes) -> None:
    for prefix in (b"", b"/", b"/a\0\0,", b"#bundle\0", bundle()):
        with suppress(BadOsc):
            decode(prefix + data)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(packet("/a", ("f", 0.5))[:-4], r"^/a was cut off: 0 of 4 bytes of an argument[.]$", id="no float"),
        pytest.param(packet("/a", ("f", 0.5))[:-1], r"^/a was cut off: 3 of 4 bytes", id="most of a float"),
        pytest.param(b"", r"^This is no OSC: it begins with ''", id="nothing"),
        pytest.param(b"hello there", r"^This is no OSC: it begins with 'hello there', not with", id="no OSC"),
        pytest.param(b"/fours/tempo", r"string does not end, or is not padded", id="an address without an end"),
        pytest.param(b"/fours\0", r"string does not end, or is not padded", id="an address without padding"),
        pytest.param(b"/\xff\0\0", r"not UTF-8", id="an address in another encoding"),
        pytest.param(b"/a\0\0abc\0", r"without type tags", id="arguments without type tags"),
        pytest.param(b"/a\0\0,b\0\0" + bytes(8), r"argument of type 'b'[.] Send i, f, s", id="a blob"),
        pytest.param(encode(TEMPERATURE) + bytes(4), r"has 4 bytes more than", id="too long"),
        pytest.param(b"#bundle\0\0\0", r"within its timetag", id="a bundle without a timetag"),
        pytest.param(bundle() + b"\0\0", r"^A bundle was cut off: 2 of 4 bytes", id="a bundle without a size"),
        pytest.param(bundle() + struct.pack(">i", -4), r"element of -4 bytes", id="a bundle with a negative size"),
        pytest.param(bundle() + struct.pack(">i", 0), r"element of 0 bytes", id="a bundle with an empty element"),
        pytest.param(bundle(encode(TEMPERATURE))[:-4], r"element of 28 bytes where 24 are left", id="half a bundle"),
    ],
)
def test_a_bad_packet_is_refused_in_a_sentence(bad: bytes, said: str) -> None:
    with pytest.raises(BadOsc, match=said):
        decode(bad)


def test_one_bad_message_spoils_its_bundle() -> None:
    with pytest.raises(BadOsc):
        decode(bundle(encode(TEMPERATURE), b"/a\0\0,f\0\0"))


def test_bundles_are_not_followed_without_end() -> None:
    nested = encode(TEMPERATURE)
    for _ in range(MAX_BUNDLE_DEPTH):
        nested = bundle(nested)
    assert decode(nested) == (TEMPERATURE,)
    with pytest.raises(BadOsc, match="more than 8 others"):
        decode(bundle(nested))


def test_a_very_long_address_is_not_repeated_whole() -> None:
    with pytest.raises(BadOsc) as refused:
        decode(b"/" + b"a" * 59_999 + b"\0\0\0\0,f\0\0")
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (OscMessage("fours/tempo"), "does not begin with /"),
        (OscMessage("/fours/say", ("a\0b",)), "end at a zero byte"),
        (OscMessage("/fours/tempo", (2**64,)), "cannot be sent as OSC"),
        (OscMessage("/fours/tempo", (1e300,)), "cannot be sent as OSC"),
        (OscMessage("/fours/say", ("\ud800",)), "cannot be sent as OSC"),
    ],
)
def test_what_osc_cannot_carry_is_refused(message: OscMessage, said: str) -> None:
    with pytest.raises(BadOsc, match=said):
        encode(message)


class TestBundlesOfOurs:
    def test_hold_the_messages_in_order_to_be_taken_at_once(self) -> None:
        messages = [OscMessage(f"/fours/show/{number}", (number, "text", 0.5)) for number in range(200)]
        packets = list(encode_bundles(messages))
        assert [message for packet in packets for message in decode(packet)] == messages
        assert 1 < len(packets) < 10
        assert all(len(packet) <= MAX_BUNDLE_BYTES for packet in packets)
        assert all(packet.startswith(b"#bundle\0" + bytes(7) + b"\x01") for packet in packets)

    def test_one_that_is_larger_goes_alone(self) -> None:
        large, small = OscMessage("/fours/say", ("x" * 3000,)), OscMessage("/fours/tempo", (90,))
        assert [decode(packet) for packet in encode_bundles([small, large, small])] == [(small,), (large,), (small,)]

    def test_of_nothing_is_none(self) -> None:
        assert list(encode_bundles([])) == []

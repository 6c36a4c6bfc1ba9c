import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage as PythonOscMessage
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
messages_of_any_kind = st.builds(OscMessage, words.map("/".__add__), st.lists(arguments, max_size=6).map(tuple))


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


def test_an_address_alone_is_a_message_without_arguments_with_or_without_type_tags() -> None:
    assert decode(b"/fours/tempo\0\0\0\0,\0\0\0") == decode(b"/fours/tempo\0\0\0\0") == (OscMessage("/fours/tempo"),)


@given(messages_of_any_kind)
def test_a_message_is_the_same_after_encoding_and_decoding(message: OscMessage) -> None:
    assert decode(encode(message)) == (message,)


@given(messages_of_any_kind)
def test_python_osc_reads_encoded_messages(message: OscMessage) -> None:
    python_osc_message = PythonOscMessage(encode(message))
    assert (python_osc_message.address, tuple(python_osc_message.params)) == (message.address, message.arguments)


@given(st.lists(messages_of_any_kind, max_size=4), st.integers(0, 2**64 - 1))
def test_a_bundle_gives_its_messages_in_order_for_any_timetag(messages: list[OscMessage], timetag: int) -> None:
    assert decode(bundle(*map(encode, messages), timetag=timetag)) == tuple(messages)


def test_nested_bundles_are_read_in_order() -> None:
    first, second, third = (OscMessage(f"/{number}") for number in (1, 2, 3))
    inner = bundle(encode(second), timetag=FAR_FUTURE)
    assert decode(bundle(encode(first), inner, encode(third))) == (first, second, third)


def test_a_bundle_from_python_osc_is_read() -> None:
    builder = OscBundleBuilder(IMMEDIATELY)
    content = OscMessageBuilder("/fours/respond")
    content.add_arg(1)
    builder.add_content(content.build())
    assert decode(builder.build().dgram) == (OscMessage("/fours/respond", (1,)),)


@given(st.data(), messages_of_any_kind)
def test_a_message_truncated_anywhere_is_refused(data: st.DataObject, message: OscMessage) -> None:
    whole = encode(message)
    address_ends = (len(message.address.encode()) // 4 + 1) * 4
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    # A message that is cut right after its address is a valid message without arguments.
    if len(cut) == address_ends:
        assert decode(cut) == (OscMessage(message.address),)
    else:
        with pytest.raises(BadOsc):
            decode(cut)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for prefix in (b"", b"/", b"/a\0\0,", b"#bundle\0", bundle()):
        with suppress(BadOsc):
            decode(prefix + data)


@pytest.mark.parametrize(
    ("bad", "sentence_pattern"),
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
        pytest.param(encode(TEMPERATURE) + bytes(4), r"has 4 more bytes than", id="too long"),
        pytest.param(b"#bundle\0\0\0", r"within its timetag", id="a bundle without a timetag"),
        pytest.param(bundle() + b"\0\0", r"^A bundle was cut off: 2 of 4 bytes", id="a bundle without a size"),
        pytest.param(bundle() + struct.pack(">i", -4), r"element of -4 bytes", id="a bundle with a negative size"),
        pytest.param(bundle() + struct.pack(">i", 0), r"element of 0 bytes", id="a bundle with an empty element"),
        pytest.param(bundle(encode(TEMPERATURE))[:-4], r"element of 28 bytes where 24 are left", id="half a bundle"),
    ],
)
def test_a_bad_packet_is_refused_with_a_sentence(bad: bytes, sentence_pattern: str) -> None:
    with pytest.raises(BadOsc, match=sentence_pattern):
        decode(bad)


def test_one_bad_message_makes_its_bundle_bad() -> None:
    with pytest.raises(BadOsc):
        decode(bundle(encode(TEMPERATURE), b"/a\0\0,f\0\0"))


def test_bundles_nested_too_deeply_are_refused() -> None:
    nested = encode(TEMPERATURE)
    for _ in range(MAX_BUNDLE_DEPTH):
        nested = bundle(nested)
    assert decode(nested) == (TEMPERATURE,)
    with pytest.raises(BadOsc, match="more than 8 others"):
        decode(bundle(nested))


def test_a_very_long_address_is_shortened_in_the_error() -> None:
    with pytest.raises(BadOsc) as refused:
        decode(b"/" + b"a" * 59_999 + b"\0\0\0\0,f\0\0")
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("message", "sentence_pattern"),
    [
        (OscMessage("fours/tempo"), "does not begin with /"),
        (OscMessage("/fours/say", ("a\0b",)), "end at a zero byte"),
        (OscMessage("/fours/tempo", (2**64,)), "cannot be sent as OSC"),
        (OscMessage("/fours/tempo", (1e300,)), "cannot be sent as OSC"),
        (OscMessage("/fours/say", ("\ud800",)), "cannot be sent as OSC"),
    ],
)
def test_a_message_that_osc_cannot_carry_is_refused(message: OscMessage, sentence_pattern: str) -> None:
    with pytest.raises(BadOsc, match=sentence_pattern):
        encode(message)


class TestEncodeBundles:
    def test_bundles_hold_the_messages_in_order_with_the_immediate_timetag(self) -> None:
        messages = [OscMessage(f"/fours/show/{number}", (number, "text", 0.5)) for number in range(200)]
        packets = list(encode_bundles(messages))
        assert [message for packet in packets for message in decode(packet)] == messages
        assert 1 < len(packets) < 10
        assert all(len(packet) <= MAX_BUNDLE_BYTES for packet in packets)
        assert all(packet.startswith(b"#bundle\0" + bytes(7) + b"\x01") for packet in packets)

    def test_a_message_that_is_too_large_goes_alone(self) -> None:
        large, small = OscMessage("/fours/say", ("x" * 3000,)), OscMessage("/fours/tempo", (90,))
        assert [decode(packet) for packet in encode_bundles([small, large, small])] == [(small,), (large,), (small,)]

    def test_no_messages_make_no_bundle(self) -> None:
        assert list(encode_bundles([])) == []

from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.jack.jack_pipes import MAX_MESSAGE_BYTES, PipedMessage, Unpacker, pack

MESSAGES = st.lists(
    st.builds(
        PipedMessage,
        st.floats(allow_nan=False),
        st.integers(0, 255),
        st.binary(min_size=1, max_size=MAX_MESSAGE_BYTES),
        st.floats(allow_nan=False),
    ),
    max_size=8,
)


@given(MESSAGES, st.integers(1, 40))
def test_messages_come_out_whole_and_in_order_however_the_pipe_cuts_them(
    messages: list[PipedMessage], size: int
) -> None:
    stream = b"".join(map(pack, messages))
    unpacker = Unpacker()
    chunks = (stream[begin : begin + size] for begin in range(0, len(stream), size))
    assert [message for chunk in chunks for message in unpacker.unpack(chunk)] == messages


def test_the_longest_message_is_short_enough_for_every_pipe_to_write_it_as_a_whole() -> None:
    assert len(pack(PipedMessage(0.0, 0, bytes(MAX_MESSAGE_BYTES)))) <= 512

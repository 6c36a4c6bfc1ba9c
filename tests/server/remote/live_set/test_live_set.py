import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.osc.osc_packets import OscArgument, OscMessage
from model.analysis.scale import Key
from server.remote.live_set.live_set import ASK_EVERY_S, PROPERTIES, SILENT_AFTER_S, LiveSet

ASKED = [OscMessage(f"/live/song/get/{name}") for name in PROPERTIES]
LISTENED = [OscMessage(f"/live/song/start_listen/{name}") for name in PROPERTIES]


def told(name: str, value: OscArgument) -> OscMessage:
    return OscMessage(f"/live/song/get/{name}", (value,))


def known_set(root: int = 2, scale: str = "Dorian", tempo: float = 93.5) -> LiveSet:
    """A set that was followed from second 0 and has answered then."""
    live_set = LiveSet(0.0)
    live_set.take_messages(0.0)
    for message in (told("root_note", root), told("scale_name", scale), told("tempo", tempo)):
        live_set.receive(message, 0.0)
    return live_set


def test_it_listens_and_asks_until_it_is_answered_and_then_asks_now_and_then() -> None:
    live_set = LiveSet(10.0)
    assert live_set.take_messages(10.0) == [*LISTENED, *ASKED]
    assert live_set.take_messages(10.0 + ASK_EVERY_S / 2) == []
    assert live_set.take_messages(10.0 + ASK_EVERY_S) == [*LISTENED, *ASKED]
    live_set.receive(told("tempo", 120.0), 10.0 + ASK_EVERY_S)
    assert live_set.take_messages(10.0 + 2 * ASK_EVERY_S) == ASKED


def test_nothing_is_known_before_live_answers() -> None:
    live_set = LiveSet(0.0)
    assert (live_set.key, live_set.tempo_bpm, live_set.scale_name) == (None, None, None)


@pytest.mark.parametrize(
    ("root", "scale", "key"),
    [
        (0, "Major", Key(0, "major")),
        (9, "Minor", Key(9, "minor")),
        (11, "Aeolian", Key(11, "minor")),
        (6, "Melodic Minor", Key(6, "minor")),
        (2, "Dorian", Key(2, "dorian")),
        (4, "Phrygian", Key(4, "phrygian")),
        (5, "Lydian", Key(5, "lydian")),
        (7, "Mixolydian", Key(7, "mixolydian")),
        (1, "Locrian", Key(1, "locrian")),
    ],
)
def test_root_note_and_scale_are_a_key(root: int, scale: str, key: Key) -> None:
    assert known_set(root, scale).key == key


@pytest.mark.parametrize(("root", "scale"), [(0, "Whole Tone"), (12, "Major"), (-1, "Major"), (0, "")])
def test_a_scale_or_root_that_is_no_key_here_is_none(root: int, scale: str) -> None:
    assert known_set(root, scale).key is None


def test_a_change_in_the_set_is_taken() -> None:
    live_set = known_set(tempo=120.0)
    live_set.receive(told("tempo", 126.0), 1.0)
    live_set.receive(told("root_note", 5), 1.0)
    assert (live_set.tempo_bpm, live_set.key) == (126.0, Key(5, "dorian"))


def test_live_is_silent_after_some_seconds_without_an_answer_and_listened_to_again_when_it_is_back() -> None:
    live_set = known_set()
    assert not live_set.is_silent(SILENT_AFTER_S)
    assert live_set.is_silent(SILENT_AFTER_S + 0.1)
    live_set.take_messages(20.0)
    live_set.receive(told("tempo", 100.0), 20.5)
    assert not live_set.is_silent(20.5)
    assert live_set.take_messages(20.6) == LISTENED


def test_a_set_that_is_opened_is_listened_to() -> None:
    live_set = known_set()
    live_set.receive(OscMessage("/live/startup"), 1.0)
    assert live_set.take_messages(1.0) == [*LISTENED, *ASKED]


def test_it_says_goodbye_to_all_that_it_listens_to() -> None:
    assert [message.address for message in LiveSet.farewell()] == [
        f"/live/song/stop_listen/{name}" for name in PROPERTIES
    ]


@given(
    st.sampled_from([*PROPERTIES, "beat", ""]),
    st.lists(
        st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats() | st.text() | st.binary(), max_size=3
    ),
)
def test_no_message_raises_or_gives_a_key_that_is_none(name: str, arguments: list[OscArgument]) -> None:
    live_set = known_set()
    live_set.receive(OscMessage(f"/live/song/get/{name}", tuple(arguments)), 1.0)
    assert live_set.key is None or 0 <= live_set.key.tonic < 12
    assert live_set.tempo_bpm is None or isinstance(live_set.tempo_bpm, float)

import logging

import pytest

from bridge.midi.messages import NoteOn
from model.analysis.bars import COMMON_BARS
from model.notes import Note
from model.phrasing.touch import HeardPhrase
from server.jam.answering.touch_remarks import TouchRemarks, sentences_about
from tests.music import line
from tests.server.jams import JamHarness, plain_settings

EVEN = line(*range(60, 70), velocity=127)
UNEVEN = [Note(60, index / 2, 0.5, 70 + index) for index in range(10)]


def test_a_keyboard_of_one_velocity_is_named() -> None:
    assert sentences_about(EVEN, has_bars=True) == ["every note comes with velocity 127, so answers have one loudness"]


def test_a_phrase_without_a_steady_beat_is_named() -> None:
    assert len(sentences_about(UNEVEN, has_bars=False)) == 1


def test_a_phrase_with_dynamics_in_time_gets_no_remark() -> None:
    assert sentences_about(UNEVEN, has_bars=True) == []
    assert sentences_about(EVEN[:1], has_bars=False) == []


def test_each_sentence_is_said_once_and_without_being_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    remarks = TouchRemarks()
    with caplog.at_level(logging.WARNING, "fours.jam.touch"):
        for _ in range(3):
            remarks.say_about(HeardPhrase(EVEN, COMMON_BARS))
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "phrase",
    [
        line(*range(60, 76), velocity=1),
        line(*range(60, 76), velocity=127),
        [Note(60, 0.0, 0.5, 90)],
        [Note(60 + index % 5, 0.1 + index * 0.618, 0.4, 60 + index) for index in range(20)],
        [Note(60, 0.0, 25.0, 90), Note(64, 26.0, 24.0, 50)],
    ],
    ids=["velocity 1", "velocity 127", "one note", "off any grid", "over ten seconds"],
)
@pytest.mark.parametrize("rhythm", ["fixed", "varied"])
def test_whatever_is_played_the_answer_is_sound_and_ends(phrase: list[Note], rhythm: str) -> None:
    harness = JamHarness(settings=plain_settings(approach="pitch", touch=1.0, rhythm=rhythm))
    harness.play(phrase)
    sent = harness.run_to_end()
    velocities = {item.message.velocity for item in sent if isinstance(item.message, NoteOn)}
    assert sent
    assert min(velocities) >= 1
    if len({note.velocity for note in phrase}) == 1:
        assert velocities == {phrase[0].velocity}
    assert harness.jam.status.state == "listening"

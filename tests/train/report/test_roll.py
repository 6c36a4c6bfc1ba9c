import pytest

from model.notes import Note
from tests.music import exercise, line
from train.report.roll import MIN_SEMITONES, RULER_PX, Part, draw_roll, pitch_name, pitch_range


class TestThePitchRange:
    def test_it_holds_all_notes_with_room_around_them(self) -> None:
        assert pitch_range(line(40, 90)) == range(38, 93)

    def test_a_narrow_line_gets_rows_enough_for_a_keyboard(self) -> None:
        rows = pitch_range(line(60, 61))
        assert len(rows) == MIN_SEMITONES
        assert {59, 60, 61, 62} < set(rows)


class TestTheRoll:
    def test_notes_are_drawn_where_they_sound(self) -> None:
        roll = draw_roll([Part("seed", [Note(60, 2.0, 1.0, 80)])], range(55, 75), beats=8.0, beats_per_bar=4.0)
        (box,) = roll.notes
        assert (box.kind, box.x, box.width) == ("seed", 25.0, 12.5)
        key = next(key for key in roll.keys if key.name == "C4")
        assert box.y == pytest.approx(key.y, abs=1.0)

    def test_higher_notes_are_drawn_higher(self) -> None:
        low, high = draw_roll([Part("seed", line(60, 64))], range(55, 75), 8.0, 4.0).notes
        assert high.y < low.y

    def test_all_notes_are_inside_the_field(self) -> None:
        notes = exercise(64)
        beats = notes[-1].end_beats
        roll = draw_roll([Part("event", notes)], pitch_range(notes), beats, 4.0)
        for box in roll.notes:
            assert box.x >= 0
            assert box.x + box.width <= 100.01
            assert RULER_PX <= box.y <= roll.height - box.height

    def test_the_parts_notes_follow_each_other_in_their_order(self) -> None:
        roll = draw_roll([Part("seed", line(60, 62)), Part("pitch", line(64))], range(55, 75), 8.0, 4.0)
        assert [box.kind for box in roll.notes] == ["seed", "seed", "pitch"]

    def test_bars_are_numbered_from_one(self) -> None:
        roll = draw_roll([], range(55, 75), beats=12.0, beats_per_bar=3.0)
        assert [(bar.x, bar.number) for bar in roll.bars] == [(0.0, 1), (25.0, 2), (50.0, 3), (75.0, 4)]

    def test_of_many_bars_only_some_are(self) -> None:
        roll = draw_roll([], range(55, 75), beats=300.0, beats_per_bar=4.0)
        assert len(roll.bars) == 75
        assert [bar.number for bar in roll.bars if bar.number][:4] == [1, 6, 11, 16]

    def test_the_keyboard_has_its_black_keys(self) -> None:
        roll = draw_roll([], range(60, 72), 4.0, 4.0)
        assert sum(key.black for key in roll.keys) == len(roll.black_rows) == 5
        assert [key.name for key in roll.keys if key.name] == ["C4"]


def test_middle_c_is_c4() -> None:
    assert (pitch_name(60), pitch_name(70)) == ("C4", "B♭4")

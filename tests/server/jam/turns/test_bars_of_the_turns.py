"""What the models are told of the bars: those of the music where they are known, else those that a phrase or an answer begins."""

from bridge.timing.meter import Meter
from bridge.timing.timeline import Timeline
from model.analysis.bars import Bars
from server.jam.turns.turn_planner import TurnPlanner

WALTZ = Timeline.start(120.0, meter=Meter(3, 4)).with_downbeat(2.0)


class TestBarsOfTheModels:
    def test_where_bars_are_not_known_a_phrase_begins_one(self) -> None:
        assert TurnPlanner(WALTZ).bars_from(7.5) == Bars(7.5, 3.0)

    def test_the_bars_of_a_file_are_known(self) -> None:
        assert TurnPlanner(WALTZ, counts_bars=True).bars_from(7.5) == Bars(2.0, 3.0)

    def test_the_bars_of_a_song_are_known_while_it_plays(self) -> None:
        turns = TurnPlanner(WALTZ)
        turns.transport = "playing"
        assert turns.bars_from(7.5) == Bars(2.0, 3.0)
        turns.transport = "stopped"
        assert turns.bars_from(7.5) == Bars(7.5, 3.0)

    def test_a_phrase_comes_back_at_the_same_places_of_an_answer_that_begins_anywhere(self) -> None:
        turns = TurnPlanner(WALTZ)
        phrase, answer = turns.bars_from(1.37), turns.bars_from(9.81)
        assert [phrase.grid_place(1.37 + beat) for beat in (0.0, 0.5, 2.25)] == [
            answer.grid_place(9.81 + beat) for beat in (0.0, 0.5, 2.25)
        ]

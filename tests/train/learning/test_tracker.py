from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from train.learning.tracker import NO_TRACKER, TensorBoardTracker


class TestTensorBoard:
    def test_tracked_figures_can_be_read_back(self, tmp_path: Path) -> None:
        tracker = TensorBoardTracker(tmp_path)
        tracker.scalar("loss", 2.5, 1)
        tracker.scalar("loss", 1.5, 2)
        tracker.close()
        events = EventAccumulator(str(tmp_path)).Reload()
        assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 2.5), (2, 1.5)]


class TestNoTracker:
    def test_it_accepts_figures_and_drops_them(self) -> None:
        NO_TRACKER.scalar("loss", 2.5, 1)
        NO_TRACKER.close()

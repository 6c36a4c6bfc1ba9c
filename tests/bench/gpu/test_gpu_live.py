"""The jam that the GPU's checks start, as a real process, on the CPU."""

from bench.gpu.gpu import ROOT
from bench.gpu.jam import ENOUGH_NOTES, play_phrase


def test_a_phrase_is_played_in_and_its_answer_is_read_from_the_take() -> None:
    played = play_phrase("cpu", ROOT)
    assert set(played.engines) == {"Pitch", "Event"}
    assert all(text.startswith("CPU, ONNX Runtime") for text in played.engines.values())
    assert played.heard_notes > 0
    assert played.played_notes >= ENOUGH_NOTES

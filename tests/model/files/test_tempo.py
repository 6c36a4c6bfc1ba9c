import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.files.tempo import microseconds_of, tempo_of


@pytest.mark.parametrize(
    ("microseconds", "tempo_bpm"),
    [(500_000, 120.0), (618_557, 97.0), (618_556, 97.0001), (450_113, 133.3), (1_000_000, 60.0)],
)
def test_the_tempo_with_the_fewest_decimals_is_read(microseconds: int, tempo_bpm: float) -> None:
    assert tempo_of(microseconds) == tempo_bpm


@given(st.integers(10_000, 0xFFFFFF))
def test_a_tempo_is_written_as_it_was_read(microseconds: int) -> None:
    assert microseconds_of(tempo_of(microseconds)) == microseconds


@given(st.integers(200, 10_000))
def test_a_tempo_of_a_decimal_is_read_as_it_was_written(tenths: int) -> None:
    assert tempo_of(microseconds_of(tenths / 10)) == tenths / 10

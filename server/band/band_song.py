"""The band's notes for a song that is written and not played: all bars of a chart, without a count-in; knows no clock and no file."""

from collections.abc import Iterator

from bridge.timing.meter import Meter
from model.harmony.changes import ChartChanges
from server.band.arranger import Arranger
from server.band.band_note import BandNote
from server.band.band_player import bar_of
from server.controls.control_table import PERCENT, Settings


def notes_of_band(
    changes: ChartChanges, meter: Meter, bars: int, settings: Settings, random_seed: int
) -> Iterator[BandNote]:
    """What the band of these settings plays over the first `bars` bars of the changes, in order of time; nothing where it is off."""
    if settings.band == "off":
        return
    arranger = Arranger(random_seed)
    for number in range(bars):
        bar = bar_of(number, changes.downbeat + number * meter.beats_per_bar, len(changes.chart.bars))
        yield from arranger.notes(bar, changes, meter, settings.band, settings.feel, settings.swing / PERCENT)

"""The lines that a jam prints when it is ready: what it is connected to, and what it plays by. It opens and prints nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bridge.midi.silent_ports import NOWHERE
from model.harmony.chart import NO_CHART, Chart
from server.config.config import OscSection, is_loopback
from server.controls.control_table import Settings
from server.music.packs.pack_loader import LoadedPack
from server.panel.wiring import Wiring

if TYPE_CHECKING:
    from model.files.seed import Seed


def trust_text(osc: OscSection) -> str:
    """Which senders' OSC messages are read while the port is open to the network, and how to trust another address.

    For the user.
    """
    others = ", ".join(osc.trust)
    if others:
        return f"this machine and {others}; nobody else is read or answered"
    return "this machine only; for a tablet: --trust and its address, or osc.trust"


def wiring_lines(
    wiring: Wiring, port_descriptions: tuple[str, str], loaded_pack: LoadedPack, osc: OscSection
) -> Iterator[str]:
    """Ports, OSC, pack and networks; `osc` is the section as it is in force, and the descriptions are those of input and output."""
    midi_in, midi_out = port_descriptions
    yield f"MIDI in    {wiring.midi_in} ({midi_in})"
    yield f"MIDI out   {wiring.midi_out} ({midi_out})"
    if wiring.midi_out != NOWHERE:
        yield f"Offset     {wiring.offset.text}"
    yield f"OSC        {wiring.osc}, answers to the sender and to its port {osc.reply_port}"
    if not is_loopback(osc.host):
        yield f"Trust      {trust_text(osc)}"
    yield f"Pack       {loaded_pack.pack.name}"
    if loaded_pack.remark:
        yield f"           {loaded_pack.remark}"
    for approach, speed_ms in wiring.ms_per_token.items():
        yield f"{approach.capitalize():10} {loaded_pack.engines[approach].device}, {speed_ms:.2f} ms per token"


def chart_lines(chart: Chart) -> Iterator[str]:
    """The chart's name and length, and what was said of it when it was read."""
    # Imported here: a jam without a chart does without its readers.
    from model.files.charts.chart_source import describe_chart

    yield f"Chart      {describe_chart(chart)}"
    for remark in chart.remarks:
        yield f"           {remark}"


def band_lines(settings: Settings) -> Iterator[str]:
    """Why a band that is on will be silent, if it will."""
    if remark := silent_band_remark(settings):
        yield f"Band       {remark}"


def silent_band_remark(settings: Settings) -> str:
    """One sentence where the band is on and nothing gives it chords; else an empty text."""
    if settings.band == "off" or settings.chords_from not in {"chart", "off"}:
        return ""
    if settings.chords_from == "off":
        return "it is silent, as chords_from is off: set it to chart, or to where chords are heard"
    return (
        ""
        if settings.chart != NO_CHART
        else "it is silent until there is a chart, such as blues, or chords_from says where chords are heard"
    )


def seed_lines(seed: "Seed") -> Iterator[str]:
    """How long the seed is, and what was left out of its file."""
    notes = "1 note" if len(seed.notes) == 1 else f"{len(seed.notes)} notes"
    yield f"Seed       {notes}, from the next bar on"
    for remark in seed.remarks:
        yield f"           its file {remark}"

"""Judges the MIDI systems: which one works, its ports, and its period. Opens nothing."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.errors import PortNotFound, quoted
from bridge.midi.ports import INPUT_NAME, OUTPUT_NAME, Direction, Period, match_port
from bridge.midi.rtmidi_system import no_virtual_port_text
from server.config.config import Config, MidiSection
from server.config.kept_offsets import offset_key, start_offset
from server.doctor.finding import Finding

SHORTEST_FRAMES, LONGEST_FRAMES = 64, 1024
"""With a shorter period, a program that is late now and then leaves gaps in the sound; with a longer one, a player
feels the delay."""
GOOD_FRAMES = 256


@dataclass(frozen=True, slots=True)
class MidiFacts:
    """The MIDI system that a jam would use, and what it has.

    `api` is None where no system could be opened, and then `error` says why. `others` are the other systems that this
    kind of machine can have: for each, why it does not work, or None.
    """

    api: str | None
    error: str = ""
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    period: Period | None = None
    others: Mapping[str, str | None] = field(default_factory=dict)


def judge_system(facts: MidiFacts, wanted: str) -> list[Finding]:
    """Which MIDI system is used; `wanted` is the configured one."""
    working = [api for api, error in facts.others.items() if error is None]
    spare = f"; {', '.join(working)} would work too" if working else ""
    if wanted == "none":
        return [Finding("warning", "MIDI is switched off (api = none)", "Set midi.api to auto to have ports.")]
    if facts.api is None:
        return [Finding("broken", f"no MIDI system can be used, so a jam has its panel alone{spare}", facts.error)]
    return [Finding("ok", f"{facts.api} is used{spare}")]


def judge_ports(facts: MidiFacts, midi: MidiSection) -> list[Finding]:
    """Whether the jam can have its two ports, and which others there are."""
    if facts.api is None:
        return [Finding("warning", "no ports, as there is no MIDI system", "Repair the MIDI system first.")]
    return [
        _judge_port("input", midi.input, facts.inputs, facts),
        _judge_port("output", midi.output, facts.outputs, facts),
    ]


def _judge_port(direction: Direction, wanted: str, names: Sequence[str], facts: MidiFacts) -> Finding:
    others = f"others here: {quoted(names)}" if names else "there are no others"
    if wanted:
        try:
            name = names[match_port(wanted, direction, names)]
        except PortNotFound as error:
            return Finding("broken", f'the MIDI {direction} "{wanted}" is not there', str(error))
        return Finding("ok", f'MIDI {direction}: "{name}"')
    own_name = INPUT_NAME if direction == "input" else OUTPUT_NAME
    if facts.api == "winmm":
        return Finding("broken", f"MIDI {direction}: none is named; {others}", no_virtual_port_text(own_name))
    # Ours is listed among those of the other direction: what we listen to, other programs send to.
    opposite = facts.outputs if direction == "input" else facts.inputs
    if any(own_name in name for name in opposite):
        return Finding(
            "warning",
            f'MIDI {direction}: another program has a port "{own_name}" now',
            "Stop the other jam first, or the DAW sees two ports of one name.",
        )
    return Finding("ok", f'MIDI {direction}: a port of our own, "{own_name}"; {others}')


def judge_offset(facts: MidiFacts, config: Config) -> list[Finding]:
    """How much sooner or later than the beat a jam plays here, and where that comes from."""
    wanted = config.midi.output
    if facts.api is None or config.midi.api == "none":
        return []
    try:
        name = facts.outputs[match_port(wanted, "output", facts.outputs)] if wanted else OUTPUT_NAME
    except PortNotFound:
        return []
    offset = start_offset(config, offset_key(name, is_virtual=not wanted))
    return [Finding("ok", f"notes go out at offset_ms = {offset.text}", figures={"offset_ms": offset.ms})]


def judge_period(facts: MidiFacts, platform: str = sys.platform) -> list[Finding]:
    """What the period of JACK or PipeWire does to timing."""
    period = facts.period
    if period is None:
        return [Finding("ok", "no period: each message goes out, and is dated, as it comes")] if facts.api else []
    ms = 1000 * period.seconds
    what = (
        f"{period.server}, {period.frames:,} frames at {period.rate:,} Hz: every note leaves on its own frame, "
        f"{ms:.1f} ms after the key that it follows at once; a DAW whose clock is followed gets it as much later, "
        "which fours calibrate takes back"
    )
    figures = {"frames": period.frames, "rate_hz": period.rate, "period_ms": ms}
    if SHORTEST_FRAMES <= period.frames <= LONGEST_FRAMES:
        return [Finding("ok", what, figures=figures)]
    problem = "a period this short leaves gaps" if period.frames < SHORTEST_FRAMES else "a period this long is felt"
    return [Finding("warning", f"{what}; {problem}", f"{_period_hint(period, platform)}.", figures)]


def _period_hint(period: Period, platform: str) -> str:
    if "PipeWire" in period.server:
        return f"Set a shorter or longer one: pw-metadata -n settings 0 clock.force-quantum {GOOD_FRAMES}"
    where = "JackPilot or QjackCtl" if platform == "darwin" else "QjackCtl (Setup, Frames/Period)"
    return f"Set {GOOD_FRAMES} frames in {where}, or start jackd with -p {GOOD_FRAMES}"

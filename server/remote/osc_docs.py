"""docs/osc.md, made from the table of controls: every address, what it takes, what comes back; `fours controls --markdown`."""

from collections.abc import Iterator
from itertools import groupby

from server.controls.control import Control
from server.controls.control_table import CONTROLS
from server.controls.labels import address_part
from server.music.jam_status import READOUTS, Readout
from server.remote.osc_subscribers import EXPIRES_AFTER_S
from server.remote.pending_updates import TOUCH_S

# More choices than that are told by their first ones.
MOST_SHOWN = 14
SHOWN_OF_MORE = 5

INTRODUCTION = f"""# Trading Fours by OSC

Made from the table of controls by `fours controls --markdown`; do not edit it by hand.

OSC comes in on port 8000 (`osc.port`). Whoever sends anything is answered where it sent from, and at port 9000 of its
machine (`osc.reply_port`), where TouchOSC listens.

| address | does |
|---|---|
| `/fours/<control> VALUE` | sets a control, or does an action |
| `/fours/<control>` | asks for its value, which comes back at the same address; an action is done |
| `/fours/<control>/norm 0..1` | the same as the way of a fader, from the lowest to the highest; all but `pack` have it |
| `/fours/<control>/<choice> 1` | a button for each choice; told back as 1 where it is chosen, and 0 where it is not |
| `/fours/<control>/text` | what a label shows, such as `120 bpm`; told only |
| `/fours/sync` | everything is told again |
| `/fours/error` | told: one sentence that says what was wrong with a message, which has changed nothing |

**What values may be.** A number is a float, an int or text (`"0,5"` too). A choice is its name, its index from 0, or 1 at
its button; `off` and `on` may be false and true. An action is done at 1; the 0 of a button that comes up does nothing.

**Who is told.** Every accepted change is told to everyone who has sent anything in the last {EXPIRES_AFTER_S / 60:.0f}
minutes, whoever made it: an app, a MIDI controller, the panel, a tempo that was tapped. At first contact everything is told. Who
moves a fader hears nothing of it while it moves, and {TOUCH_S * 1000:.0f} ms after it has come to rest the value that was taken.
The light of an action is told as 1 when it was done, and as 0 a moment later. A value comes in a message of its own;
what else shows it (`/norm`, `/text`, buttons) comes in bundles.

**Choices in addresses.** An address may hold no blank and none of `# * , / ? [ ] {{ }}`. So in the address of a button a
blank or a slash is `_`, and a sharp is `s`: `/fours/quantize/1_8t`, `/fours/meter/6_8`, `/fours/key/D_dorian`,
`/fours/key/Fs_minor`.

**Faders.** Most go evenly. Tempo, step, time_scale and answer_after go by equal ratios, so that half-way between half and
double is the same; answer_length goes slowly at first. A whole number or a choice is the nearest one.

**Bundles** are taken at once, whatever their time says. **On a network** it listens where the panel does (`--lan`), or where
`osc.host` says, such as `0.0.0.0`, and reads those addresses that are yours (`--trust 192.168.1.20`, or `osc.trust`):
whoever else sends is neither read nor answered.
"""


def osc_page() -> str:
    """The page."""
    return "\n".join([INTRODUCTION, *_controls(), *_tells()])


def _controls() -> Iterator[str]:
    yield "## Controls\n"
    valued = [control for control in CONTROLS if control.kind != "action"]
    for group, controls in groupby(valued, key=lambda control: control.group):
        yield f"### {group.capitalize()}\n"
        yield "| address | takes | default | |"
        yield "|---|---|---|---|"
        for control in controls:
            yield f"| `{control.address}` | {_takes(control)} | {_shown(control.default)} | {control.help} |"
        yield ""
    yield "### Actions\n"
    yield "| address | |"
    yield "|---|---|"
    for control in CONTROLS:
        if control.kind == "action":
            yield f"| `{control.address}` | {control.help} |"
    yield ""


def _tells() -> Iterator[str]:
    yield "## What is told of the jam\n"
    yield "Where it has changed, thirty times a second at most, and on every beat. They can be asked for, and not be set.\n"
    yield "| address | is | |"
    yield "|---|---|---|"
    for tell in READOUTS:
        yield f"| `{tell.address}` | {_choices(tell) or 'a number'} | {tell.help} |"
    yield ""


def _takes(control: Control) -> str:
    return _choices(control) or control.allowed


def _choices(row: Control | Readout) -> str:
    shown = row.choices if len(row.choices) <= MOST_SHOWN else row.choices[:SHOWN_OF_MORE]
    told = ", ".join(
        f"`{choice}`" if address_part(choice) == choice else f"`{choice}` (`/{address_part(choice)}`)"
        for choice in shown
    )
    return told if shown == row.choices else f"{told} … {len(row.choices)} in all"


def _shown(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

"""Generates docs/osc.md (`fours controls --markdown`) from the table of controls: what addresses accept and send."""

from collections.abc import Iterator
from itertools import groupby

from server.config.config import OscSection
from server.controls.control import Control, Curve
from server.controls.control_table import CONTROLS
from server.controls.fader import has_fader
from server.controls.labels import address_part
from server.jam.readouts import READOUTS, Readout
from server.remote.osc_subscribers import EXPIRES_AFTER_S
from server.remote.pending_updates import TOUCH_S

# Of longer lists of choices only the first few are shown.
MOST_CHOICES_SHOWN = 14
FIRST_CHOICES_SHOWN = 5


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _names_of_curve(curve: Curve) -> list[str]:
    return [control.name for control in CONTROLS if control.curve == curve]


_WITHOUT_FADER = _listed(
    [f"`{control.name}`" for control in CONTROLS if control.kind != "action" and not has_fader(control)]
)

INTRODUCTION = f"""# Trading Fours by OSC

Made from the table of controls by `fours controls --markdown`; do not edit it by hand.

Trading Fours receives OSC on port {OscSection().port} (`osc.port`). It sends to every app that has sent it a message: to the port which
the app sends from, and to port {OscSection().reply_port} of the app's machine (`osc.reply_port`), where TouchOSC listens.

| address | does |
|---|---|
| `/fours/<control> VALUE` | sets a control, or does an action |
| `/fours/<control>` | asks for the value, which comes back at the same address; an action is done |
| `/fours/<control>/norm 0..1` | sets a control by a fader's position, from lowest to highest; all but {_WITHOUT_FADER} have it |
| `/fours/<control>/<choice> 1` | a button for each choice; sent to apps as 1 if it is chosen, else as 0 |
| `/fours/<control>/text` | the text for a label, such as `120 bpm`; only sent to apps |
| `/fours/sync` | asks for all values again |
| `/fours/error` | only sent to apps: one sentence that says what was wrong with a message; that message changed nothing |

**Values.** A number may be a float, an int or text (`"0,5"` too). A choice is set by its name, by its index from 0, or by a
1 to its button; `off` and `on` may also be false and true. An action is done by a 1; the 0 that a button sends when it is
released does nothing.

**Who gets updates.** Every accepted change is sent to all apps that have sent a message in the last
{EXPIRES_AFTER_S / 60:.0f} minutes, no matter where the change came from: an app, a MIDI controller, the panel, or a tapped
tempo. A new app gets all values first. While you move a fader, its app gets no updates of that control;
{TOUCH_S * 1000:.0f} ms after the fader has come to rest, it gets the accepted value. The light of an action is sent as 1 when
the action is done, and as 0 a moment later. Each value is sent in a message of its own; `/norm`, `/text` and the buttons
that show it are sent in bundles.

**Choices in addresses.** An OSC address may contain no blank and none of `# * , / ? [ ] {{ }}`. So in the address of a
button, a blank or a slash becomes `_`, and a sharp becomes `s`: `/fours/quantize/1_8t`, `/fours/meter/6_8`,
`/fours/key/D_dorian`, `/fours/key/Fs_minor`.

**Faders.** Most are linear. Those of {_listed(_names_of_curve("log"))} go by equal ratios, so that a value lies
in the middle between its half and its double; {_listed(_names_of_curve("cubic"))} changes slowly at the low end. For a whole number or a choice,
the nearest one is taken.

**Bundles** are carried out at once, whatever their time tag says. **On a network**, Trading Fours receives OSC with
`--lan`, which opens the panel too, or with an address of this machine in `osc.host`, such as `0.0.0.0` for all of them. It reads messages only from the addresses that you name
(`--trust 192.168.1.20`, or `osc.trust`); all other senders are neither read nor answered.
Only then is the address announced by mDNS, so that apps find it; `osc.advertise` turns that on or off in either case.
"""


def osc_page() -> str:
    """The page as Markdown."""
    return "\n".join([INTRODUCTION, *_controls(), *_readouts()])


def _controls() -> Iterator[str]:
    yield "## Controls\n"
    valued = [control for control in CONTROLS if control.kind != "action"]
    for group, controls in groupby(valued, key=lambda control: control.group):
        yield f"### {group.capitalize()}\n"
        yield "| address | takes | default | |"
        yield "|---|---|---|---|"
        for control in controls:
            yield f"| `{control.address}` | {_takes(control)} | {_default(control)} | {control.help} |"
        yield ""
    yield "### Actions\n"
    yield "| address | |"
    yield "|---|---|"
    for control in CONTROLS:
        if control.kind == "action":
            yield f"| `{control.address}` | {control.help} |"
    yield ""


def _readouts() -> Iterator[str]:
    yield "## What the jam reports\n"
    yield "Sent after a change, at most thirty times a second, and on every beat. You can ask for them, but not set them.\n"
    yield "| address | is | |"
    yield "|---|---|---|"
    for readout in READOUTS:
        yield f"| `{readout.address}` | {_choices(readout) or ('text' if readout.is_text else 'a number')} | {readout.help} |"
    yield ""


def _takes(control: Control) -> str:
    return _choices(control) or control.allowed


def _choices(row: Control | Readout) -> str:
    shown = row.choices if len(row.choices) <= MOST_CHOICES_SHOWN else row.choices[:FIRST_CHOICES_SHOWN]
    text = ", ".join(
        f"`{choice}`" if address_part(choice) == choice else f"`{choice}` (`/{address_part(choice)}`)"
        for choice in shown
    )
    return text if shown == row.choices else f"{text} … {len(row.choices)} in all"


def _default(control: Control) -> str:
    return f"{control.default:g}" if isinstance(control.default, float) else str(control.default)

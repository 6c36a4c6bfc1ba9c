"""Sets controls from OSC messages, and makes the OSC messages that update the apps; knows no sockets.

`/fours/<control>` sets a control, or requests its value if it has no argument. Behind it, `/norm` is a fader's
position, `/<choice>` is a button for one choice, and `/text` is what a label shows. docs/osc.md explains the same to
musicians. All methods run on the asyncio loop.
"""

import difflib
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from bridge.errors import cut_short, shown
from bridge.fault_counter import FaultCounter
from bridge.osc.osc_packets import OscArgument, OscMessage
from bridge.osc.osc_server import Address
from bridge.timing.clock import Clock
from server.controls.control_store import AcceptedChange, ControlStore, FailedChange
from server.controls.control_table import BY_NAME, OSC_PREFIX, Control, Value, control_named, is_pressed
from server.controls.fader import fader_position, has_fader, value_at_position
from server.controls.labels import address_part, label_text
from server.errors import FORESEEN, BadValue
from server.jam.readouts import READOUTS, Readout
from server.remote.osc_subscribers import OscSubscribers
from server.remote.pending_updates import ActionLamps

logger = logging.getLogger("fours.osc.in")

ERROR_ADDRESS = f"{OSC_PREFIX}/error"
SYNC = "sync"
ORIGIN = "osc "
NORM, TEXT = "norm", "text"
MOST_FAILURES = 64
"""More sentences than this within one tick are of no use to anyone; the oldest are lost."""

READOUT_BY_NAME: Mapping[str, Readout] = {readout.name: readout for readout in READOUTS}


class OscControls:
    """Carries out each message, and collects the updates of all apps; `packs` are the packs that have a button each."""

    def __init__(
        self, controls: ControlStore, clock: Clock, reply_port: int | None = None, packs: Sequence[str] = ()
    ) -> None:
        self._controls = controls
        self._clock = clock
        self._packs = tuple(packs)
        self._readout_values: dict[str, Value] = {}
        self._lamps = ActionLamps()
        self._failures: deque[tuple[str, Address]] = deque(maxlen=MOST_FAILURES)
        self.subscribers = OscSubscribers((*BY_NAME, *READOUT_BY_NAME), reply_port)
        self.faults = FaultCounter(logger, "OSC", FORESEEN)
        """Counts the messages that were refused, by kind of error."""

    def handle(self, message: OscMessage, sender: Address) -> Sequence[OscMessage]:
        """Carries out a message, and returns the messages to answer at once; it has the signature of an `OscServer`'s handler.

        A message that is refused changes nothing; the answer is then one sentence at `/fours/error`.
        """
        self.subscribers.on_message_from(sender, self._clock.now_s())
        try:
            return self._carry_out(message, sender)
        except FORESEEN as error:
            self.faults.count(error)
            return (OscMessage(ERROR_ADDRESS, (str(error),)),)

    def on_control_changed(self, change: AcceptedChange) -> None:
        """A control was changed, by any source; it has the signature of a control store's listener."""
        if BY_NAME[change.control].kind == "action":
            self._lamps.flash(change.control, self._clock.now_s())
        self.subscribers.add_update(change.control)

    def on_change_failed(self, failure: FailedChange) -> None:
        """A change failed after it was accepted; it has the signature of a control store's failure listener.

        The sentence is sent with the next updates, where its sender is an app that still gets some.
        """
        address = _address_of(failure.origin)
        # Without a subscriber there are no updates that would take it away, and it would be sent hours later.
        if address in self.subscribers.addresses:
            self._failures.append((failure.sentence, address))

    def update_readouts(self, values: Mapping[str, Value]) -> None:
        """Takes the present values of readouts, by name; those that have changed are sent with the next updates."""
        for name, value in values.items():
            if self._readout_values.get(name) != value:
                self._readout_values[name] = value
                self.subscribers.add_update(name)

    def take_updates(self) -> Iterable[tuple[Sequence[OscMessage], Sequence[OscMessage], Sequence[Address]]]:
        """The updates to send now, each once: values, the messages for faders, labels and buttons, and who gets both."""
        now_s = self._clock.now_s()
        while self._failures:
            sentence, address = self._failures.popleft()
            yield [OscMessage(ERROR_ADDRESS, (sentence,))], [], [address]
        for action in self._lamps.take_expired(now_s):
            self.subscribers.add_update(action)
        for names, addresses in self.subscribers.take_due(now_s).items():
            values, widgets = [], []
            for name in names:
                row = READOUT_BY_NAME.get(name) or BY_NAME[name]
                value = self._value(row)
                if value is not None:
                    values.append(OscMessage(row.address, (value,)))
                    widgets += self._widget_messages(row, value)
            yield values, widgets, addresses

    def _carry_out(self, message: OscMessage, sender: Address) -> Sequence[OscMessage]:
        address, arguments = message.address, message.arguments
        name, *parts = address.removeprefix(f"{OSC_PREFIX}/").split("/")
        if not address.startswith(f"{OSC_PREFIX}/") or len(parts) > 1:
            raise BadValue(f"there is no address {cut_short(address)}; controls are {OSC_PREFIX}/<control>")
        if len(arguments) > 1:
            raise BadValue(f"{cut_short(address)} takes one argument, not {len(arguments)}")
        if name == SYNC and not parts:
            self.subscribers.resend_all(sender)
            return ()
        row = READOUT_BY_NAME.get(name) or control_named(name)
        if isinstance(row, Control) and row.kind == "action" and not parts:
            # An action has no value to ask for: without an argument, as the buttons of some apps send it, it is done.
            pressed = arguments[0] if arguments else 1.0
            return () if self._controls.set(name, pressed, _origin(sender)) else (OscMessage(address, (0.0,)),)
        if not arguments:
            return (OscMessage(address, (self._argument_at(row, address),)),)
        if isinstance(row, Readout):
            raise BadValue(
                f"{cut_short(address)} is a readout and cannot be set; send it without an argument to get its value"
            )
        answer = self._set(row, address, arguments[0], _origin(sender))
        self.subscribers.hold_back(sender, name, self._clock.now_s())
        return answer

    def _argument_at(self, row: Control | Readout, address: str) -> OscArgument:
        """The present argument of the row's address, or of one of its widgets' addresses."""
        value = self._value(row)
        if value is None:
            raise BadValue(f"{row.address} is not known yet")
        if address == row.address:
            return value
        for widget in self._widget_messages(row, value):
            if widget.address == address:
                return widget.arguments[0]
        raise self._unknown_address(row, address)

    def _set(self, control: Control, address: str, raw: OscArgument, origin: str) -> Sequence[OscMessage]:
        before = self._controls.value(control.name)
        choices = {f"{control.address}/{address_part(choice)}": choice for choice in self._choices(control)}
        if address == control.address:
            self._controls.set(control.name, raw, origin)
        elif address == f"{control.address}/{NORM}":
            self._controls.set(control.name, value_at_position(control, raw), origin)
        elif address == f"{control.address}/{TEXT}":
            raise BadValue(f"{cut_short(address)} is the text of a label and cannot be set; set {control.address}")
        elif address not in choices:
            raise self._unknown_address(control, address)
        elif _is_chosen(address, raw):
            self._controls.set(control.name, choices[address], origin)
            # Updates of this control wait while the finger is on the new button, but the old button must go out at
            # once.
            return [
                OscMessage(other, (0,)) for other, choice in choices.items() if choice == before != choices[address]
            ]
        # A button that sends 0 has switched itself off in the app; the update lights it again, as one choice is always
        # on.
        return ()

    def _unknown_address(self, row: Control | Readout, address: str) -> BadValue:
        value = self._value(row)
        widgets = [] if value is None else self._widget_messages(row, value)
        known = [row.address, *(widget.address for widget in widgets)]
        near = difflib.get_close_matches(address, known, n=1)
        return BadValue(f"there is no address {cut_short(address)}; did you mean {near[0] if near else row.address}?")

    def _choices(self, row: Control | Readout) -> tuple[str, ...]:
        return self._packs if row.name == "pack" else row.choices

    def _value(self, row: Control | Readout) -> Value | None:
        """The present value; for an action 1 while its lamp is lit, of a readout None until it is known."""
        if isinstance(row, Readout):
            return self._readout_values.get(row.name)
        if row.kind == "action":
            return float(self._lamps.is_lit(row.name))
        return self._controls.value(row.name)

    def _widget_messages(self, row: Control | Readout, value: Value) -> list[OscMessage]:
        """The messages for what else shows a value: a label, a fader, and a button for each choice."""
        messages = []
        if isinstance(row, Readout):
            messages.append(OscMessage(f"{row.address}/{TEXT}", (f"{value}",)))
        elif row.kind != "action":
            messages.append(OscMessage(f"{row.address}/{TEXT}", (label_text(row, value),)))
            if has_fader(row):
                messages.append(OscMessage(f"{row.address}/{NORM}", (fader_position(row, value),)))
        messages += [
            OscMessage(f"{row.address}/{address_part(choice)}", (int(choice == str(value)),))
            for choice in self._choices(row)
        ]
        return messages


def _is_chosen(address: str, raw: OscArgument) -> bool:
    try:
        return is_pressed(raw)
    except BadValue as error:
        raise BadValue(f"{cut_short(address)} takes 1, to choose it, not {shown(raw)}") from error


def _origin(sender: Address) -> str:
    return f"{ORIGIN}{sender[0]}:{sender[1]}"


def _address_of(origin: str) -> Address | None:
    """The sender that `_origin` names; None for the origin of another source of changes."""
    host, _, port = origin.removeprefix(ORIGIN).rpartition(":")
    return (host, int(port)) if origin.startswith(ORIGIN) else None

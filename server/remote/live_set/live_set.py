"""What AbletonOSC reports of the set in Ableton Live: its tempo, root note and scale. Knows the protocol, no socket and no clock.

The protocol is that of AbletonOSC's README: `/live/song/start_listen/PROPERTY` sends the property at once and after each change,
as `/live/song/get/PROPERTY VALUE`; that address without a value asks for it. Live forgets who listens when it opens another
set, so each property is also asked for every `ASK_EVERY_S`.
"""

from collections.abc import Mapping

from bridge.osc.osc_packets import OscArgument, OscMessage
from model.analysis.scale import Key, Mode

GET, LISTEN, STOP = "/live/song/get/", "/live/song/start_listen/", "/live/song/stop_listen/"
STARTED = "/live/startup"
"""AbletonOSC sends it when Live has started, and when it has opened a set."""
PROPERTIES = ("tempo", "root_note", "scale_name")
ASK_EVERY_S = 2.0
SILENT_AFTER_S = 6.0
"""Live answers nothing while it loads a set, which may take seconds."""
SCALES: Mapping[str, Mode] = {
    "Major": "major",
    "Minor": "minor",
    "Harmonic Minor": "minor",
    "Melodic Minor": "minor",
    "Dorian": "dorian",
    "Phrygian": "phrygian",
    "Lydian": "lydian",
    "Mixolydian": "mixolydian",
    "Aeolian": "minor",
    "Locrian": "locrian",
}
"""Live's names of the scales that are keys here; our minor has both sevenths."""


class LiveSet:
    """The set as far as it is known; each method takes the time in seconds."""

    def __init__(self, started_s: float) -> None:
        self._last_answer_s = started_s
        self._next_ask_s = started_s
        self._has_to_listen, self._has_answered = True, False
        self._values: dict[str, OscArgument] = {}

    def receive(self, message: OscMessage, now_s: float) -> None:
        """Takes a message of AbletonOSC; one that is not about these properties, or makes no sense, changes nothing."""
        if message.address == STARTED:
            self._has_to_listen, self._next_ask_s, self._last_answer_s = True, now_s, now_s
            return
        name = message.address.removeprefix(GET)
        if name not in PROPERTIES or len(message.arguments) != 1:
            return
        if self.is_silent(now_s):
            self._has_to_listen = True
        self._last_answer_s, self._has_answered = now_s, True
        self._values[name] = message.arguments[0]

    def take_messages(self, now_s: float) -> list[OscMessage]:
        """The messages to send to AbletonOSC now."""
        messages = []
        has_to_ask = now_s >= self._next_ask_s
        # What was sent before Live is there is lost: without an answer it is sent again with each question.
        if self._has_to_listen or (has_to_ask and not self._has_answered):
            self._has_to_listen = False
            messages += [OscMessage(f"{LISTEN}{name}") for name in PROPERTIES]
        if has_to_ask:
            self._next_ask_s = now_s + ASK_EVERY_S
            messages += [OscMessage(f"{GET}{name}") for name in PROPERTIES]
        return messages

    @staticmethod
    def farewell() -> list[OscMessage]:
        """The messages to send when the set is no longer followed."""
        return [OscMessage(f"{STOP}{name}") for name in PROPERTIES]

    def is_silent(self, now_s: float) -> bool:
        """Whether Live has not answered for so long that it is taken to be gone."""
        return now_s - self._last_answer_s > SILENT_AFTER_S

    @property
    def tempo_bpm(self) -> float | None:
        """The set's tempo; None while it is not known."""
        tempo = self._values.get("tempo")
        return float(tempo) if isinstance(tempo, int | float) and not isinstance(tempo, bool) else None

    @property
    def key(self) -> Key | None:
        """The set's root note and scale as a key; None while they are not known, or where the scale is not a key here."""
        root, mode = self._values.get("root_note"), SCALES.get(self.scale_name or "")
        if mode is None or isinstance(root, bool) or not isinstance(root, int | float) or root not in range(12):
            return None
        return Key(int(root), mode)

    @property
    def scale_name(self) -> str | None:
        """Live's name of the set's scale; None while it is not known."""
        name = self._values.get("scale_name")
        return name if isinstance(name, str) else None

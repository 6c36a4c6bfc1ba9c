"""Lets the key and the tempo follow the set in Ableton Live, while one of these two controls says so. Runs in the asyncio loop.

The port for AbletonOSC's answers is open only that long. The music never waits for Live: while the set's key is not
known, `key = live` means what `auto` means. Where Live does not answer, or its scale is not a key here, a remark on each
control that follows the set says once what that means for it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from bridge.errors import BridgeError, cut_short
from bridge.osc.osc_packets import OscMessage
from bridge.osc.osc_server import Address, OscServer
from bridge.timing.clock import Clock
from model.analysis.scale import LIVE_KEY
from server.config.config import LiveSection
from server.controls.control_store import AcceptedChange, ControlReceiver, ControlStore
from server.errors import BadValue
from server.remote.live_set.live_set import LiveSet

logger = logging.getLogger("fours.live_set")

HOST = "127.0.0.1"
LOOK_EVERY_S = 0.25
RETRY_AFTER_S = 5.0
ORIGIN_LIVE = "Ableton Live"
"""The origin of a tempo that is that of the set."""
UNTIL_THEN: Mapping[str, str] = {
    "key": "until then the key is the one that is heard in your playing",
    "tempo_from": "until then the set's tempo is not followed",
}
"""For each control that can follow the set, what holds while the set is not known."""


class LiveSetFollower:
    """Follows the set inside `async with`; `receiver` gets the set's key in place of the value `live` of the control."""

    def __init__(self, config: LiveSection, controls: ControlStore, receiver: ControlReceiver, clock: Clock) -> None:
        self._address: Address = (HOST, config.port)
        self._reply_port = config.reply_port
        self._controls = controls
        self._receiver = receiver
        self._clock = clock
        self._live_set: LiveSet | None = None
        self._changed = asyncio.Event()
        self._key_in_use: str = LIVE_KEY
        self._tempo_bpm: float | None = None
        self._last_said: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._remove_listener = self._controls.add_listener(self._on_control_changed)
        self._running = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._remove_listener()
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running

    def _on_control_changed(self, change: AcceptedChange) -> None:
        if change.control not in UNTIL_THEN:
            return
        # Whoever has set it now is told what is wrong, even where it was said to someone before.
        self._last_said.pop(change.control, None)
        if change.control == "key":
            # The receiver has just got the new value itself.
            self._key_in_use = LIVE_KEY
        self._tempo_bpm = None
        self._changed.set()
        self._apply()

    @property
    def _followers(self) -> tuple[str, ...]:
        """The controls that follow the set now."""
        return tuple(control for control in UNTIL_THEN if self._controls.value(control) == LIVE_KEY)

    async def _run(self) -> None:
        while True:
            if self._followers:
                await self._follow()
            else:
                await self._changed.wait()
            self._changed.clear()

    async def _follow(self) -> None:
        """Asks, and applies what is answered, until nothing follows the set any more."""
        server = OscServer(HOST, self._reply_port, self._receive)
        try:
            await server.start()
        except BridgeError as error:
            for control in self._followers:
                self._say(control, f"Ableton Live cannot be followed: {error}")
            await self._pause(RETRY_AFTER_S)
            return
        live_set = self._live_set = LiveSet(self._clock.now_s())
        try:
            while self._followers:
                for message in live_set.take_messages(self._clock.now_s()):
                    server.send(message, self._address)
                self._apply()
                await self._pause(LOOK_EVERY_S)
        finally:
            self._live_set = None
            for message in live_set.farewell():
                server.send(message, self._address)
            await server.stop()

    async def _pause(self, seconds: float) -> None:
        """Waits for this many seconds, or until one of the two controls changes."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _receive(self, message: OscMessage, _sender: Address) -> Sequence[OscMessage]:
        if self._live_set is not None:
            self._live_set.receive(message, self._clock.now_s())
            self._apply()
        return ()

    def _apply(self) -> None:
        """Passes on the key and the tempo where they have changed."""
        live_set = self._live_set
        if live_set is None:
            return
        is_silent = live_set.is_silent(self._clock.now_s())
        for control in self._followers:
            self._say_what_is_missing(control, live_set, is_silent=is_silent)
        self._use_key(str(live_set.key) if live_set.key is not None and not is_silent else LIVE_KEY)
        if not is_silent:
            self._use_tempo(live_set.tempo_bpm)

    def _use_key(self, key: str) -> None:
        if self._controls.settings.key == LIVE_KEY and key != self._key_in_use:
            self._key_in_use = key
            self._receiver.change("key", key)

    def _use_tempo(self, bpm: float | None) -> None:
        if self._controls.settings.tempo_from != LIVE_KEY or bpm is None or bpm == self._tempo_bpm:
            return
        self._tempo_bpm = bpm
        with suppress(BadValue):  # a tempo out of our range: the last one stays
            self._controls.set("tempo", bpm, ORIGIN_LIVE)

    def _say_what_is_missing(self, control: str, live_set: LiveSet, *, is_silent: bool) -> None:
        """Says why this control cannot follow the set; what is said once it can, and later cannot, is said again."""
        until_then = UNTIL_THEN[control]
        known = live_set.key if control == "key" else live_set.tempo_bpm
        if is_silent:
            sentence = (
                f"Ableton Live does not answer at port {self._address[1]}: start it, with AbletonOSC; {until_then}."
            )
            self._say(control, sentence)
        elif known is not None:
            self._last_said.pop(control, None)
        elif control == "key" and live_set.scale_name is not None:
            scale = cut_short(live_set.scale_name)
            self._say(control, f'The set\'s scale "{scale}" is no key here; choose another, {until_then}.')

    def _say(self, control: str, sentence: str) -> None:
        if sentence != self._last_said.get(control):
            self._last_said[control] = sentence
            logger.warning("%s", sentence)
            self._controls.report_remark(control, sentence)

"""Lets the key and the tempo follow the set in Ableton Live, while one of these two controls says so. Runs in the asyncio loop.

The port for AbletonOSC's answers is open only that long. The music never waits for Live: while the set's key is not
known, `key = live` means what `auto` means. Where Live does not answer, or its scale is not a key here, one log message
says what that means for the key.
"""

import asyncio
import logging
from collections.abc import Sequence
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
UNTIL_THEN = "until then the key is the one that is heard in your playing"


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
        self._last_said = ""

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
        if change.control not in {"key", "tempo_from"}:
            return
        if change.control == "key":
            # The receiver has just got the new value itself.
            self._key_in_use = LIVE_KEY
        self._tempo_bpm = None
        self._changed.set()
        self._apply()

    @property
    def _is_wanted(self) -> bool:
        settings = self._controls.settings
        return LIVE_KEY in {settings.key, settings.tempo_from}

    async def _run(self) -> None:
        while True:
            if self._is_wanted:
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
            self._say(f"Ableton Live cannot be followed: {error}")
            await self._pause(RETRY_AFTER_S)
            return
        live_set = self._live_set = LiveSet(self._clock.now_s())
        try:
            while self._is_wanted:
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
        if is_silent:
            self._say(
                f"Ableton Live does not answer at port {self._address[1]}: start it, with AbletonOSC; {UNTIL_THEN}."
            )
        elif live_set.scale_name is not None and live_set.key is None:
            self._say(
                f'The set\'s scale "{cut_short(live_set.scale_name)}" is no key here; choose another, {UNTIL_THEN}.'
            )
        elif live_set.key is not None:
            self._last_said = ""
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

    def _say(self, sentence: str) -> None:
        if sentence != self._last_said:
            self._last_said = sentence
            logger.warning("%s", sentence)
            self._controls.report_remark("key", sentence)

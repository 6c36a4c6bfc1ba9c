"""OSC in a running jam: opens the port, and sends updates thirty times a second and on every beat while an app listens.

It knows the asyncio loop in which it runs, and no single control. It never waits for an app. Until the first message of an
app it does nothing at all, so that an idle jam costs next to no CPU.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Self

from bridge.osc.discovery import ServiceAnnouncement
from bridge.osc.osc_packets import OscMessage
from bridge.osc.osc_server import Address, OscServer
from bridge.osc.trusted_senders import TrustedSenders
from bridge.timing.clock import Clock
from server.config.config import OscSection
from server.controls.control_store import ControlStore
from server.jam.turns.modes import TurnSchedule
from server.music.feed import Feed, FeedSubscription
from server.music.latest_status import LatestStatus
from server.remote.osc_controls import OscControls

ADVERTISED_AS = "Trading Fours"
TICK_S = 1 / 30
# A tick for a beat comes just after it: before it, the readout would still show the last beat.
AFTER_BEAT_S = 0.001


class OscRemote:
    """Serves OSC inside `async with`; `packs` are the packs that have a button each.

    Entering raises a BridgeError if the port cannot be opened.
    """

    def __init__(
        self, config: OscSection, controls: ControlStore, feed: Feed, clock: Clock, packs: Sequence[str] = ()
    ) -> None:
        self._controls = controls
        self._feed = feed
        self._clock = clock
        self._is_advertised = config.is_advertised
        self._status = LatestStatus()
        self._stack = AsyncExitStack()
        self._subscription: FeedSubscription | None = None
        self._tick_handle: asyncio.Handle | None = None
        self.osc_controls = OscControls(controls, clock, config.reply_port, packs)
        self.server = OscServer(
            config.host,
            config.port,
            self._handle,
            reply_port=config.reply_port,
            trust=TrustedSenders.read(config.trust),
        )

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.server)
        if self._is_advertised:
            await self._stack.enter_async_context(ServiceAnnouncement(ADVERTISED_AS, *self.server.address))
        self._stack.callback(self._controls.add_listener(self.osc_controls.on_control_changed))
        self._stack.callback(self._controls.add_failure_listener(self.osc_controls.on_change_failed))
        self._stack.callback(self._stop_updates)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    def _handle(self, message: OscMessage, sender: Address) -> Sequence[OscMessage]:
        if self._subscription is None:
            self._start_updates()
        return self.osc_controls.handle(message, sender)

    def _start_updates(self) -> None:
        self._subscription = self._feed.subscribe()
        # The first message may ask for a readout, so they are brought up to date before it is handled.
        self._send_updates(self._subscription)
        self._tick_handle = asyncio.get_running_loop().call_soon(self._tick)

    def _tick(self) -> None:
        if self._subscription is None:
            return
        self._send_updates(self._subscription)
        if not self.osc_controls.subscribers.addresses:
            self._stop_updates()
            return
        now_s = self._clock.now_s()
        next_beat_s = self._status.next_beat_s(now_s)
        in_s = TICK_S if next_beat_s is None else min(TICK_S, next_beat_s - now_s + AFTER_BEAT_S)
        self._tick_handle = asyncio.get_running_loop().call_later(in_s, self._tick)

    def _send_updates(self, subscription: FeedSubscription) -> None:
        self._status.update(subscription.take_events())
        settings = self._controls.settings
        turns = TurnSchedule(settings.turn_bars, settings.begins)
        self.osc_controls.update_readouts(self._status.readout_values(self._clock.now_s(), turns))
        for values, widgets, addresses in self.osc_controls.take_updates():
            self.server.broadcast(values, widgets, addresses)

    def _stop_updates(self) -> None:
        if self._tick_handle is not None:
            self._tick_handle.cancel()
        if self._subscription is not None:
            self._feed.unsubscribe(self._subscription)
        self._tick_handle = self._subscription = None

"""The storm of a soak: every control moved at random by OSC, pages that come and go, packs that change."""

import asyncio
import json
import socket
from contextlib import suppress
from random import Random
from typing import Any, cast

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from bridge.osc.osc_packets import OscMessage, decode, encode
from server.controls.control import Control, Value
from server.controls.control_table import CONTROLS
from tests.server.jam_process import HOST

MOVES_PER_S = 20.0
CALM_EVERY_S = 15.0
"""So often all controls go back to their defaults, so that phrases are answered again."""
ACTION_SHARE = 0.02
PACKS = ("songbook", "rock", "songbook", "no such pack")
PACK_EVERY_S = 25.0
PAGES = 3
LEFT_OUT = frozenset({"pack", "forget", "learn_from"})
"""Packs have a time of their own. What the jam remembers must not grow or shrink: it would hide how much everything else grows."""
ANSWER_TIMEOUT_S = 10.0


class Storm:
    """Runs while its tasks do; `slowest_answer_s` is the longest time that OSC took to answer."""

    def __init__(self, osc_port: int, panel_port: int, random_seed: int) -> None:
        self._to, self._panel_port = (HOST, osc_port), panel_port
        self._random = Random(random_seed)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self.slowest_answer_s = 0.0
        self.moves = self.page_visits = 0

    def close(self) -> None:
        self._socket.close()

    async def run(self, seconds: float) -> None:
        tasks = [asyncio.create_task(task) for task in (self._move(), self._calm(), self._ask(), self._packs())]
        tasks += [asyncio.create_task(self._visit()) for _ in range(PAGES)]
        done, waiting = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for task in done:
            task.result()

    def send(self, address: str, *arguments: Value) -> None:
        with suppress(BlockingIOError):
            self._socket.sendto(encode(OscMessage(address, arguments)), self._to)

    async def _move(self) -> None:
        while True:
            control = self._random.choice(CONTROLS)
            if control.kind != "action" and control.name not in LEFT_OUT:
                self.send(control.address, self._value(control))
                self.moves += 1
            if self._random.random() < ACTION_SHARE:
                actions = [action for action in CONTROLS if action.kind == "action" and action.name not in LEFT_OUT]
                self.send(self._random.choice(actions).address, 1.0)
            await asyncio.sleep(1 / MOVES_PER_S)

    async def _calm(self) -> None:
        while True:
            await asyncio.sleep(CALM_EVERY_S)
            for control in CONTROLS:
                if control.default is not None and control.name not in LEFT_OUT:
                    self.send(control.address, control.default)

    async def _packs(self) -> None:
        while True:
            for pack in PACKS:
                await asyncio.sleep(PACK_EVERY_S)
                self.send("/fours/pack", pack)

    async def _ask(self) -> None:
        """Asks for a value each second, and notes how long the answer takes."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0)
            while True:
                asked_s = loop.time()
                asking.sendto(encode(OscMessage("/fours/swing")), self._to)
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    while not any(m.address == "/fours/swing" for m in decode(await loop.sock_recv(asking, 65536))):
                        pass
                self.slowest_answer_s = max(self.slowest_answer_s, loop.time() - asked_s)
                await asyncio.sleep(1.0)

    async def _visit(self) -> None:
        """A page that connects, plays and moves something, and goes."""
        while True:
            await asyncio.sleep(self._random.uniform(0.5, 4.0))
            origin = cast("Any", f"http://{HOST}:{self._panel_port}")
            with suppress(OSError, WebSocketException, TimeoutError):
                async with connect(f"ws://{HOST}:{self._panel_port}/jam", origin=origin, proxy=None) as page:
                    self.page_visits += 1
                    async with asyncio.timeout(self._random.uniform(1.0, 6.0)):
                        while True:
                            await page.send(json.dumps(self._page_message()))
                            await page.recv()

    def _page_message(self) -> dict[str, object]:
        random = self._random
        if random.random() < 0.3:
            # The modulation wheel: keys at random would let the memory grow.
            return {"type": "play", "data": [0xB0, 1, random.randrange(128)]}
        control = random.choice([c for c in CONTROLS if c.kind == "number"])
        return {"type": "set", "control": control.name, "value": self._value(control)}

    def _value(self, control: Control) -> Value:
        """A value of a control. Nothing here goes out to the network, as Link would; long waits are rare enough as it is."""
        if control.kind == "number":
            highest = {"answer_after": 4.0, "answer_length": 32.0, "turn_bars": 2.0}.get(control.name, control.high)
            return self._random.uniform(control.low, highest)
        return self._random.choice([choice for choice in control.choices if choice != "link"])

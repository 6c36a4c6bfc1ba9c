"""One jam from start to stop: opens what the config names, wires it up, says what is bound where, closes it all again."""

import asyncio
import gc
import logging
import statistics
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

from bridge.errors import NoMidiSystem
from bridge.midi.ports import MidiSystem
from bridge.midi.rtmidi_system import RtMidiSystem
from bridge.midi.silent_ports import SilentSystem
from bridge.timing.clock import Clock
from model.engines.engine import Engine
from model.files.seed import Seed
from model.pack.pack import available_packs
from server.config.config import CONFIG_FILE, Config, OscSection, is_loopback
from server.controls.control_store import ControlStore, Preparation
from server.controls.control_table import Settings, Value
from server.controls.control_throttle import ControlThrottle
from server.jam.jam import Jam
from server.music.link_session import LinkSession
from server.music.music_thread import MusicThread
from server.music.pack_loader import load_pack
from server.music.seed_player import seed_playing
from server.panel.jam_handle import ConnectionInfo, JamHandle
from server.panel.panel import Panel
from server.panel.take_list import TakeList
from server.remote.midi_controllers import MidiControllers
from server.remote.midi_learn import MidiLearn
from server.remote.osc_remote import OscRemote
from server.stop_signals import StopSignals
from server.takes.memory_store import kept_in_file, load_take_memory, save_take_memory
from server.takes.recorder import Recorder
from server.takes.take_library import TakeEntry, TakeLibrary

logger = logging.getLogger("fours.session")

MEASURED_STEPS = 40

Say = Callable[[str], None]
Told = Callable[[str, Value], None]


def trust_text(osc: OscSection) -> str:
    """Whose OSC is read where it comes from the network, and how to have more of it read."""
    others = ", ".join(osc.trust)
    if others:
        return f"this machine and {others}; nobody else is read or answered"
    return "this machine only; for a tablet: --trust and its address, or osc.trust"


def ms_per_token(engine: Engine, clock: Clock) -> float:
    """The median time of a step, in milliseconds, measured now."""
    state = engine.initial_state()
    taken_s = []
    for step in range(MEASURED_STEPS):
        began_s = clock.now_s()
        _, state = engine.step(step % engine.vocabulary_size, state)
        taken_s.append(clock.now_s() - began_s)
    return statistics.median(taken_s) * 1000


class Session:
    """A running jam: `async with` starts it and stops it, `until_stopped` is the time between.

    With a seed as the first player, and what was heard before: of a file, or of an earlier take. `began_s` is when the
    start-up began; knobs that are learnt are written to `config_file`, which may be the usual one.
    """

    def __init__(
        self,
        config: Config,
        random_seed: int,
        say: Say,
        clock: Clock,
        started_s: float,
        seed: Seed | None = None,
        memory_origin: Path | TakeEntry | None = None,
        config_file: Path | None = None,
    ) -> None:
        self._config = config
        self._config_file = config_file or Path(CONFIG_FILE)
        self._random_seed = random_seed
        self._say = say
        self._clock = clock
        self._started_s = started_s
        self._seed = seed
        self._memory_origin = memory_origin
        self._stack = AsyncExitStack()
        self._stop_requested = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            # First of all: a signal that comes while ports open must close them too.
            loop = asyncio.get_running_loop()
            self._stack.enter_context(
                StopSignals(self._clock, lambda: loop.call_soon_threadsafe(self._stop_requested.set))
            )
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        # What is there by now stays: to look through all of it for garbage would hold up the music for 50 ms at a time.
        gc.freeze()
        self._say(f"Ready in {self._clock.now_s() - self._started_s:.1f} s. Play a phrase; Ctrl-C ends the jam.")
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def until_stopped(self) -> None:
        """Returns at the first Ctrl-C, SIGTERM or SIGHUP; another one, not too soon after it, ends the process at once."""
        await self._stop_requested.wait()

    async def _start(self) -> None:
        config = self._config
        settings = config.settings
        seated = load_pack(settings.pack, config)
        # Before the music thread has them: an engine is one thread's at a time.
        speeds = {approach: ms_per_token(engine, self._clock) for approach, engine in seated.engines.items()}
        jam = Jam(seated.improvisers(settings.tempo), settings, self._random_seed)
        system = self._open_midi_system()
        output = system.open_output(config.midi.output or None)
        player = MusicThread(jam, output, self._clock)
        link = await self._stack.enter_async_context(LinkSession(player.follow_link, self._clock))
        link.apply_settings(settings)
        before: dict[str, Preparation] = {
            "pack": partial(self._change_pack, player),
            "clock": link.apply_settings,
            "meter": link.apply_settings,
            "tempo": lambda settings: link.set_tempo(settings.tempo),
        }
        desk = ControlStore(settings, ControlThrottle(player, asyncio.get_running_loop().call_later), before)
        player.on_control_changed = self._on_event_loop(desk.record_change)
        osc = config.effective_osc
        packs = tuple(available_packs(config.pack_folders))
        remote = OscRemote(osc, desk, player.feed, self._clock, packs)
        controllers = MidiControllers(
            config.midi, desk, player.receive_midi, player.send_control_change, self._clock, packs
        )
        self._stack.callback(output.close)
        await self._stack.enter_async_context(remote)
        # Before the recorder makes room: a take that is too old to be kept can still be begun with.
        if isinstance(self._memory_origin, TakeEntry):
            load_take_memory(self._memory_origin, jam, self._say)
        elif self._memory_origin is not None:
            self._stack.enter_context(kept_in_file(self._memory_origin, jam, self._say))
        now, keepsake = datetime.now().astimezone(), partial(save_take_memory, jam=jam, say=self._say)
        recorder = Recorder(config.takes, settings, player.feed, self._clock, now, self._say, keepsake)
        await self._stack.enter_async_context(recorder)
        player.start()
        self._stack.callback(player.stop)
        await self._stack.enter_async_context(controllers)
        # Opened last and so closed first: nothing comes in before it can be answered, nor after.
        heard = self._stack.enter_context(system.open_input(config.midi.input or None, controllers.receive_midi))
        wiring = ConnectionInfo(heard.name, output.name, system.api, f"{osc.host}:{remote.server.address[1]}", speeds)
        takes = TakeList(TakeLibrary(config.takes.data_folder))
        lessons = MidiLearn(controllers.cc_input, self._config_file)
        stage = JamHandle(
            desk,
            player,
            self._clock,
            wiring,
            controllers.receive_midi,
            lessons,
            lambda: tuple(available_packs(config.pack_folders)),
            takes,
        )
        await self._stack.enter_async_context(Panel(config.panel, stage, self._say))
        self._say(f"MIDI in    {heard.name} ({system.api})")
        self._say(f"MIDI out   {output.name} ({system.api})")
        self._say(
            f"OSC        {osc.host}:{remote.server.address[1]}, answers to the sender and to its port {osc.reply_port}"
        )
        if not is_loopback(osc.host):
            self._say(f"Trust      {trust_text(osc)}")
        self._say(f"Pack       {seated.pack.name}")
        for approach, speed_ms in speeds.items():
            self._say(f"{approach.capitalize():10} {seated.engines[approach].device}, {speed_ms:.2f} ms per token")
        if self._seed is not None:
            seed = seed_playing(self._seed, player.receive_midi, lambda: player.timeline, self._clock)
            await self._stack.enter_async_context(seed)
            self._say(f"Seed       {len(self._seed.notes)} notes, from the next bar on")

    def _on_event_loop(self, told: Told) -> Told:
        """The same, to be called from another thread."""
        loop = asyncio.get_running_loop()

        def tell(control: str, value: Value) -> None:
            loop.call_soon_threadsafe(told, control, value)

        return tell

    def _open_midi_system(self) -> MidiSystem:
        """This machine's MIDI; without one the jam goes on in silence, and says how to get one."""
        api = self._config.midi.api
        if api == "none":
            return SilentSystem()
        try:
            return RtMidiSystem(api, clock=self._clock)
        except NoMidiSystem as error:
            self._say(str(error))
            return SilentSystem()

    def _change_pack(self, player: MusicThread, settings: Settings) -> None:
        seated = load_pack(settings.pack, self._config)
        improvisers = seated.improvisers(settings.tempo)
        player.run_on_jam(lambda jam: jam.replace_improvisers(improvisers))
        logger.info("pack %s", seated.pack.name)


def run(session: Session) -> None:
    """Jams until Ctrl-C or SIGTERM. Raises what the parts raise at the start: PackError, BridgeError."""

    async def jam() -> None:
        async with session:
            await session.until_stopped()

    with suppress(KeyboardInterrupt):
        asyncio.run(jam())

"""A jam session from start to stop: opens the parts that the config names, and closes them in reverse order.

It connects them, and prints what is bound where; it plays nothing itself.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bridge.errors import NoMidiSystem
from bridge.midi.midi_systems import open_midi_system
from bridge.midi.ports import InputPort, MidiSystem, OutputPort
from bridge.midi.silent_ports import SilentSystem
from bridge.timing.clock import Clock
from model.errors import ChartError
from model.harmony.chart import Chart
from model.pack.dummy_pack import DUMMY_PACK
from model.pack.pack import available_packs, find_own_pack
from server.config.config import CONFIG_FILE, Config, host_and_port
from server.config.kept_offsets import OFFSET_CONTROL, StartOffset, offset_key, start_offset
from server.controls.control_store import ControlStore
from server.controls.control_throttle import ControlThrottle
from server.garbage import search_as_usual
from server.jam.jam import Jam
from server.music.link_session import LinkSession
from server.music.music_thread import MusicThread
from server.music.packs.allocator import keep_large_blocks, return_large_blocks
from server.music.packs.pack_list import PackList
from server.music.packs.pack_loader import LoadedPack, load_pack
from server.music.packs.token_speed import measure_ms_per_token
from server.music.watchdog import Watchdog
from server.panel.wiring import Wiring
from server.remote.live_set.live_set_follower import LiveSetFollower
from server.remote.midi_controllers import MidiControllers
from server.remote.osc_remote import OscRemote
from server.session.port_watch import watch_ports
from server.session.session_controls import adopt_meter, chart_of, names_chart_file, open_controls
from server.session.start_lines import band_lines, chart_lines, seed_lines, wiring_lines
from server.session.start_loading import StoppedAtStart, load_at_start, load_first_pack
from server.stop_signals import StopSignals, waking_at_signals
from server.takes.memories.memory_store import load_take_memory, memories_in_file, save_take_memory
from server.takes.recorder import Recorder
from server.takes.take_library import TakeEntry

if TYPE_CHECKING:
    from model.files.seed import Seed

Say = Callable[[str], None]
"""Prints a line to the user."""

# What reads and plays seeds, and the panel, are imported where there is a seed or a panel: a jam without them
# starts sooner and takes less memory.


class Session:
    """A running jam: `async with` starts it and stops it, and `until_stopped` waits in between.

    `started_s` is the time on `clock` at which the process started, for the line that says how long the start took.
    With a `seed`, the session first plays that phrase to the jam. `memory_origin` is where the jam's memory comes from:
    a memory file, to which it is also saved, or an earlier take. MIDI bindings that are learnt are written to
    `config_file`, or to the default file if that is None. `is_offset_given` is true where the command line sets `offset_ms`, which then
    goes before what was measured for the output.

    `async with` raises what a part raises if it cannot be opened, a ModelError, BridgeError or ServerError, and
    StoppedAtStart where it is stopped while it waits for a disk; then the
    parts that were open are closed again.
    """

    def __init__(
        self,
        config: Config,
        random_seed: int,
        say: Say,
        clock: Clock,
        started_s: float,
        seed: "Seed | None" = None,
        memory_origin: Path | TakeEntry | None = None,
        config_file: Path | None = None,
        *,
        is_offset_given: bool = False,
    ) -> None:
        self._config = config
        self._settings = config.settings
        self._config_file = config_file or Path(CONFIG_FILE)
        self._is_offset_given = is_offset_given
        self._random_seed = random_seed
        self._say = say
        self._clock = clock
        self._started_s = started_s
        self._seed = seed
        self._memory_origin = memory_origin
        self._memory_file: Path | None = None
        self._pack_list = PackList(tuple)
        self._stack = AsyncExitStack()
        self._stop_requested = asyncio.Event()
        self._music_thread: MusicThread | None = None

    async def __aenter__(self) -> Self:
        try:
            self._open_stop_signals()
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        search_as_usual()
        return_large_blocks()
        self._say(f"Ready in {self._clock.now_s() - self._started_s:.1f} s. Play a phrase; Ctrl-C ends the jam.")
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def until_stopped(self) -> None:
        """Returns at the first Ctrl-C, SIGTERM, SIGHUP or SIGQUIT.

        Another one, not too soon after it, ends the process at once.
        """
        await self._stop_requested.wait()

    async def _start(self) -> None:
        """Opens the parts one by one; they close in the reverse order."""
        keep_large_blocks()
        loaded_pack = await self._load_first_pack()
        # Only one thread at a time may use an engine, so the speed is measured before the music thread gets it.
        speeds_ms = {
            approach: measure_ms_per_token(engine, self._clock) for approach, engine in loaded_pack.engines.items()
        }
        improvisers = loaded_pack.improvisers(self._settings.tempo)
        chart = await self._read_first_chart()
        midi_system = self._choose_midi_system()
        # The first of the parts that a start can open, and so closed last: the music thread has stopped by then.
        output = self._stack.enter_context(midi_system.open_output(self._config.midi.output or None))
        offset = self._adopt_offset(output, has_midi=not isinstance(midi_system, SilentSystem))
        jam = Jam(improvisers, self._settings, self._random_seed)
        music_thread = MusicThread(jam, output, self._clock)
        link = await self._open_link(music_thread)
        throttle = ControlThrottle(music_thread, asyncio.get_running_loop().call_later)
        controls = self._stack.enter_context(
            open_controls(self._config, self._settings, music_thread, throttle, link, tuple(improvisers.values()))
        )
        del improvisers  # once they are replaced, nothing but the switcher of packs may keep them
        self._pack_list = PackList(lambda: available_packs(self._config.pack_folders))
        packs = self._pack_list.names()
        osc_remote = await self._open_osc(controls, music_thread, packs)
        live_set = LiveSetFollower(self._config.live, controls, throttle, self._clock)
        await self._stack.enter_async_context(live_set)
        self._open_memory(jam)
        await self._open_recorder(jam, music_thread)
        await self._open_music_thread(music_thread)
        if chart is not None:
            music_thread.set_chart(chart)
            adopt_meter(chart, controls)
        controllers = await self._open_controllers(controls, music_thread, packs)
        # Opened after all that answers its messages, and so closed before it.
        midi_input = self._stack.enter_context(
            midi_system.open_input(self._config.midi.input or None, controllers.receive_midi)
        )
        osc_address = host_and_port(self._config.effective_osc.host, osc_remote.server.address[1])
        wiring = Wiring(midi_input.name, output.name, osc_address, speeds_ms, offset)
        watch_ports(midi_input, output, music_thread, controllers)
        await self._open_panel(controls, music_thread, controllers, wiring, midi_input, output)
        descriptions = midi_input.description, output.description
        self._say_all(wiring_lines(wiring, descriptions, loaded_pack, self._config.effective_osc))
        if chart is not None:
            self._say_all(chart_lines(chart))
        self._say_all(band_lines(self._settings))
        await self._open_seed(music_thread)

    async def _load_first_pack(self) -> LoadedPack:
        name = self._settings.pack
        if name == DUMMY_PACK or find_own_pack(name) is not None:
            return load_pack(name, self._config)
        # Another pack may be on a disk that does not answer.
        return await load_first_pack(name, lambda: load_pack(name, self._config), self._stop_requested, self._say)

    async def _read_first_chart(self) -> Chart | None:
        text = self._settings.chart
        if not names_chart_file(text):
            return chart_of(text)
        try:
            return await load_at_start(f"the chart {text}", lambda: chart_of(text), self._stop_requested, self._say)
        except TimeoutError as error:
            raise ChartError(f"the chart {text} is on a disk that does not answer; begin without it") from error

    def _open_stop_signals(self) -> None:
        """Must be the first part: a signal that comes while ports are opening must close them too."""
        loop = asyncio.get_running_loop()

        def on_stop() -> None:
            # At once, as the loop may be busy, and as closing the panel may take a while: notes must not sound on
            # meanwhile.
            if self._music_thread is not None:
                self._music_thread.request_stop()
            loop.call_soon_threadsafe(self._stop_requested.set)

        self._stack.enter_context(waking_at_signals(loop))
        self._stack.enter_context(StopSignals(self._clock, on_stop))

    def _choose_midi_system(self) -> MidiSystem:
        """The machine's MIDI system; without one the jam runs in silence, and a printed line says how to get one."""
        try:
            return open_midi_system(self._config.midi.api, self._clock)
        except NoMidiSystem as error:
            self._say(str(error))
            return SilentSystem()

    def _adopt_offset(self, output: OutputPort, *, has_midi: bool) -> StartOffset:
        """Starts with the offset that was measured for this output, unless another one is set."""
        key = offset_key(output.name, is_virtual=not self._config.midi.output) if has_midi else None
        offset = start_offset(self._config, key, is_given=self._is_offset_given)
        self._settings = self._settings.with_value(OFFSET_CONTROL, offset.ms)
        return offset

    async def _open_link(self, music_thread: MusicThread) -> LinkSession:
        link = await self._stack.enter_async_context(LinkSession(music_thread.follow_link, self._clock))
        link.apply_settings(self._settings)
        return link

    async def _open_osc(self, controls: ControlStore, music_thread: MusicThread, packs: Sequence[str]) -> OscRemote:
        remote = OscRemote(self._config.effective_osc, controls, music_thread.feed, self._clock, packs)
        return await self._stack.enter_async_context(remote)

    def _open_memory(self, jam: Jam) -> None:
        """Must come before the recorder, which removes old takes: their memory can still be loaded now."""
        if isinstance(self._memory_origin, TakeEntry):
            load_take_memory(self._memory_origin, jam, self._say)
        elif self._memory_origin is not None:
            self._memory_file = self._stack.enter_context(memories_in_file(self._memory_origin, jam, self._say))

    async def _open_recorder(self, jam: Jam, music_thread: MusicThread) -> None:
        now = datetime.now().astimezone()
        save_memory = partial(save_take_memory, jam=jam, say=self._say)
        recorder = Recorder(
            self._config.takes,
            self._settings,
            music_thread.feed,
            self._clock,
            now,
            self._say,
            save_memory,
            lambda: jam.memories,
            self._memory_file,
        )
        await self._stack.enter_async_context(recorder)

    async def _open_music_thread(self, music_thread: MusicThread) -> None:
        music_thread.start()
        self._music_thread = music_thread
        self._stack.callback(music_thread.stop)
        await self._stack.enter_async_context(Watchdog(music_thread))

    async def _open_controllers(
        self, controls: ControlStore, music_thread: MusicThread, packs: Sequence[str]
    ) -> MidiControllers:
        controllers = MidiControllers(
            self._config.midi, controls, music_thread.receive_midi, music_thread.send_control_change, self._clock, packs
        )
        return await self._stack.enter_async_context(controllers)

    async def _open_panel(
        self,
        controls: ControlStore,
        music_thread: MusicThread,
        controllers: MidiControllers,
        wiring: Wiring,
        midi_input: InputPort,
        output: OutputPort,
    ) -> None:
        if not self._config.panel.on:
            return
        from server.panel.jam_handle import JamHandle
        from server.panel.panel import Panel
        from server.panel.work.worker import Worker, WorkerTakes
        from server.remote.midi_learn import MidiLearn

        worker = Worker()
        jam_handle = JamHandle(
            controls,
            music_thread,
            self._clock,
            wiring,
            controllers.receive_midi,
            MidiLearn(controllers.cc_input, self._config_file),
            self._pack_list.names,
            WorkerTakes(worker, self._config.takes.data_folder),
            lambda: output.latency_s,
            lambda: (midi_input.description, output.description),
        )
        await self._stack.enter_async_context(Panel(self._config.panel, jam_handle, self._say, worker))

    async def _open_seed(self, music_thread: MusicThread) -> None:
        if self._seed is not None:
            from server.music.seed_player import seed_playing

            seed = seed_playing(self._seed, music_thread.receive_midi, lambda: music_thread.timeline, self._clock)
            await self._stack.enter_async_context(seed)
            self._say_all(seed_lines(self._seed))

    def _say_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._say(line)


def run(session: Session) -> None:
    """Runs a session until Ctrl-C, SIGTERM, SIGHUP or SIGQUIT, also where it is not ready yet. Raises the errors of the start: see `Session`."""

    async def jam() -> None:
        async with session:
            await session.until_stopped()

    with suppress(KeyboardInterrupt, StoppedAtStart):
        asyncio.run(jam())

"""A jam session from start to stop: opens the parts that the config names, and closes them in reverse order.

It connects them, and prints what is bound where; it plays nothing itself.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from bridge.errors import NoMidiSystem
from bridge.midi.midi_systems import open_midi_system
from bridge.midi.ports import InputPort, MidiSystem, OutputPort, Port
from bridge.midi.silent_ports import SilentSystem
from bridge.timing.clock import Clock
from model.errors import ModelError
from model.harmony.chart import NO_CHART, Chart
from model.improvising.improviser import Improviser
from model.pack.dummy_pack import DUMMY_PACK
from model.pack.pack import available_packs, find_own_pack
from server.config.config import CONFIG_FILE, Config
from server.config.kept_offsets import OFFSET_CONTROL, StartOffset, offset_key, start_offset
from server.controls.control_store import ORIGIN_MUSIC, ControlStore, Preparation
from server.controls.control_table import Settings
from server.controls.control_throttle import ControlThrottle
from server.errors import BadValue
from server.garbage import search_as_usual
from server.jam.jam import Jam
from server.music.link_session import LinkSession
from server.music.music_thread import MusicThread
from server.music.packs.allocator import return_large_blocks
from server.music.packs.first_pack import StoppedAtStart, load_first_pack
from server.music.packs.pack_list import PackList
from server.music.packs.pack_loader import LoadedPack, check_pack_exists, load_pack
from server.music.packs.pack_switcher import PackSwitcher
from server.music.packs.token_speed import measure_ms_per_token
from server.music.watchdog import Watchdog
from server.panel.jam_handle import JamHandle, Wiring
from server.remote.live_set.live_set_follower import LiveSetFollower
from server.remote.midi_controllers import MidiControllers
from server.remote.midi_learn import MidiLearn
from server.remote.osc_remote import OscRemote
from server.start_lines import chart_lines, seed_lines, wiring_lines
from server.stop_signals import StopSignals
from server.takes.memories.memory_store import load_take_memory, memories_in_file, save_take_memory
from server.takes.recorder import Recorder
from server.takes.take_library import TakeEntry

if TYPE_CHECKING:
    from model.files.seed import Seed

logger = logging.getLogger("fours.session")

Say = Callable[[str], None]
"""Prints a line to the user."""
V = TypeVar("V")


# What reads and plays files, and the panel, are imported where there is a chart, a seed or a panel: a jam without them
# starts sooner and takes less memory.


def chart_of(text: str) -> Chart | None:
    """The chart that the control's text means; None for none. Raises ChartError."""
    if text == NO_CHART:
        return None
    from model.files.charts import chart_source

    return chart_source.read_chart(text)


class Session:
    """A running jam: `async with` starts it and stops it, and `until_stopped` waits in between.

    `started_s` is the time on `clock` at which the process started, for the line that says how long the start took.
    With a `seed`, the session first plays that phrase to the jam. `memory_origin` is where the jam's memory comes from:
    a memory file, to which it is also saved, or an earlier take. MIDI bindings that are learnt are written to
    `config_file`, or to the default file if that is None. `is_offset_given` is true where the command line sets `offset_ms`, which then
    goes before what was measured for the output.

    `async with` raises what a part raises if it cannot be opened, a PackError, BridgeError or ServerError, and
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
        # Not sooner: the first engines are created in half the time where the heaps may grow.
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
        loaded_pack = await self._load_first_pack()
        # Only one thread at a time may use an engine, so the speed is measured before the music thread gets it.
        speeds_ms = {
            approach: measure_ms_per_token(engine, self._clock) for approach, engine in loaded_pack.engines.items()
        }
        improvisers = loaded_pack.improvisers(self._settings.tempo)
        chart = chart_of(self._settings.chart)
        midi_system = self._choose_midi_system()
        output = midi_system.open_output(self._config.midi.output or None)
        offset = self._adopt_offset(output, has_midi=not isinstance(midi_system, SilentSystem))
        jam = Jam(improvisers, self._settings, self._random_seed)
        music_thread = MusicThread(jam, output, self._clock)
        link = await self._open_link(music_thread)
        throttle = ControlThrottle(music_thread, asyncio.get_running_loop().call_later)
        controls = self._create_control_store(music_thread, throttle, link, tuple(improvisers.values()))
        del improvisers  # once they are replaced, nothing but the switcher of packs may keep them
        self._pack_list = PackList(lambda: available_packs(self._config.pack_folders))
        packs = self._pack_list.names()
        self._stack.callback(output.close)
        osc_remote = await self._open_osc(controls, music_thread, packs)
        live_set = LiveSetFollower(self._config.live, controls, throttle, self._clock)
        await self._stack.enter_async_context(live_set)
        self._open_memory(jam)
        await self._open_recorder(jam, music_thread)
        await self._open_music_thread(music_thread)
        if chart is not None:
            music_thread.set_chart(chart)
            self._adopt_meter(chart, controls)
        controllers = await self._open_controllers(controls, music_thread, packs)
        # Opened after all that answers its messages, and so closed before it.
        midi_input = self._stack.enter_context(
            midi_system.open_input(self._config.midi.input or None, controllers.receive_midi)
        )
        osc_address = f"{self._config.effective_osc.host}:{osc_remote.server.address[1]}"
        wiring = Wiring(midi_input.name, output.name, output.description, osc_address, speeds_ms, offset)
        self._watch_ports(midi_input, output, music_thread, controllers)
        await self._open_panel(controls, music_thread, controllers, wiring, output)
        self._say_all(wiring_lines(wiring, midi_input.description, loaded_pack, self._config.effective_osc))
        if chart is not None:
            self._say_all(chart_lines(chart))
        await self._open_seed(music_thread)

    async def _load_first_pack(self) -> LoadedPack:
        name = self._settings.pack
        if name == DUMMY_PACK or find_own_pack(name) is not None:
            return load_pack(name, self._config)
        # Another pack may be on a disk that does not answer.
        return await load_first_pack(name, lambda: load_pack(name, self._config), self._stop_requested, self._say)

    def _open_stop_signals(self) -> None:
        """Must be the first part: a signal that comes while ports are opening must close them too."""
        loop = asyncio.get_running_loop()

        def on_stop() -> None:
            # At once, as the loop may be busy, and as closing the panel may take a while: notes must not sound on
            # meanwhile.
            if self._music_thread is not None:
                self._music_thread.request_stop()
            loop.call_soon_threadsafe(self._stop_requested.set)

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

    def _create_control_store(
        self, music_thread: MusicThread, throttle: ControlThrottle, link: LinkSession, models: Iterable[Improviser]
    ) -> ControlStore:
        loop = asyncio.get_running_loop()

        def on_pack_failed(name: str, current_name: str, error: Exception) -> None:
            sentence = str(error) if isinstance(error, ModelError) else f"pack {name} cannot be loaded: {error}"
            with suppress(RuntimeError):  # the loop is closed: the jam has ended while the pack was loading
                loop.call_soon_threadsafe(controls.take_back, "pack", name, current_name, sentence)

        packs = PackSwitcher(
            lambda name, before_step: load_pack(name, self._config, before_step),
            lambda name: check_pack_exists(name, self._config),
            music_thread,
            on_pack_failed,
            self._settings.pack,
            models,
        )
        self._stack.callback(packs.close)

        def change_chart(settings: Settings) -> None:
            chart = chart_of(settings.chart)
            music_thread.set_chart(chart)
            if chart is not None:
                for remark in chart.remarks:
                    loop.call_soon(controls.report_remark, "chart", remark)
                loop.call_soon(self._adopt_meter, chart, controls)

        preparations: dict[str, Preparation] = {
            "pack": lambda settings: packs.switch_to(settings.pack, settings.tempo),
            "chart": change_chart,
            "clock": link.apply_settings,
            "meter": link.apply_settings,
            "tempo": lambda settings: link.set_tempo(settings.tempo),
        }
        controls = ControlStore(self._settings, throttle, preparations)
        music_thread.on_control_changed = self._on_event_loop(controls.record_change)
        music_thread.on_remark = self._on_event_loop(controls.report_remark)
        return controls

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
        output: OutputPort,
    ) -> None:
        if not self._config.panel.on:
            return
        from server.panel.panel import Panel
        from server.panel.work.worker import Worker, WorkerTakes

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
        )
        await self._stack.enter_async_context(Panel(self._config.panel, jam_handle, self._say, worker))

    def _watch_ports(
        self, midi_input: InputPort, output: OutputPort, music_thread: MusicThread, controllers: MidiControllers
    ) -> None:
        """Follows ports that go and come back, and says so; the callbacks run in a thread of the MIDI system."""

        def on_change(port: Port, direction: str, *, is_lost: bool) -> None:
            if port is output:
                music_thread.on_output_changed(is_lost=is_lost)
                if not is_lost:
                    controllers.on_output_found()
            else:
                music_thread.on_input_changed(is_lost=is_lost)
            if is_lost:
                logger.warning('MIDI %s "%s" is lost; it is used again when it is back', direction, port.name)
            else:
                logger.warning('MIDI %s "%s" is back', direction, port.name)

        midi_input.watch_dates(music_thread.on_input_dates_shifted)
        for port, direction in ((midi_input, "input"), (output, "output")):
            port.watch(
                partial(on_change, port, direction, is_lost=True), partial(on_change, port, direction, is_lost=False)
            )
            if port.is_lost:
                on_change(port, direction, is_lost=True)

    async def _open_seed(self, music_thread: MusicThread) -> None:
        if self._seed is not None:
            from server.music.seed_player import seed_playing

            seed = seed_playing(self._seed, music_thread.receive_midi, lambda: music_thread.timeline, self._clock)
            await self._stack.enter_async_context(seed)
            self._say_all(seed_lines(self._seed))

    def _say_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._say(line)

    def _adopt_meter(self, chart: Chart, controls: ControlStore) -> None:
        """Sets the meter of the jam to that of the chart, where the chart states one."""
        if not chart.meter or chart.meter == controls.value("meter"):
            return
        try:
            controls.set("meter", chart.meter, ORIGIN_MUSIC)
        except BadValue as error:
            controls.report_remark(
                "chart", f"the chart is in {chart.meter}: {error}; its chords share the bars of the jam"
            )

    def _on_event_loop(self, callback: Callable[[str, V], None]) -> Callable[[str, V], None]:
        """Wraps a callback so that another thread may call it: it then runs in the event loop's thread."""
        loop = asyncio.get_running_loop()

        def call_on_loop(control: str, value: V) -> None:
            loop.call_soon_threadsafe(callback, control, value)

        return call_on_loop


def run(session: Session) -> None:
    """Runs a session until Ctrl-C, SIGTERM, SIGHUP or SIGQUIT, also where it is not ready yet. Raises the errors of the start: see `Session`."""

    async def jam() -> None:
        async with session:
            await session.until_stopped()

    with suppress(KeyboardInterrupt, StoppedAtStart):
        asyncio.run(jam())

"""The controls of a session: the store of their values, and what a change of pack, chart, clock, meter or tempo needs first."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TypeVar

from model.errors import ModelError
from model.harmony.chart import NO_CHART, Chart
from model.improvising.improviser import Improviser
from server.config.config import Config
from server.controls.control_store import ORIGIN_MUSIC, ControlStore, Preparation
from server.controls.control_table import Settings
from server.controls.control_throttle import ControlThrottle
from server.errors import BadValue
from server.music.link_session import LinkSession
from server.music.music_thread import MusicThread
from server.music.packs.pack_loader import check_pack_exists, load_pack
from server.music.packs.pack_switcher import PackSwitcher
from server.session.chart_switcher import ChartSwitcher
from server.session.start_lines import silent_band_remark

V = TypeVar("V")


@contextmanager
def open_controls(
    config: Config,
    settings: Settings,
    music_thread: MusicThread,
    throttle: ControlThrottle,
    link: LinkSession,
    models: Iterable[Improviser],
) -> Iterator[ControlStore]:
    """The control store, with `settings` as the first values, and the switcher of packs behind it, which is closed again.

    To be entered in the event loop. `throttle` passes changes on to `music_thread`, and `models` are those that it plays with now.
    """
    loop = asyncio.get_running_loop()

    def on_pack_failed(name: str, current_name: str, error: Exception) -> None:
        sentence = str(error) if isinstance(error, ModelError) else f"pack {name} cannot be loaded: {error}"
        with suppress(RuntimeError):  # the loop is closed: the jam has ended while the pack was loading
            loop.call_soon_threadsafe(controls.take_back, "pack", name, current_name, sentence)

    packs = PackSwitcher(
        lambda name, before_step: load_pack(name, config, before_step),
        lambda name: check_pack_exists(name, config),
        music_thread,
        on_pack_failed,
        settings.pack,
        models,
    )
    del models  # once they are replaced, nothing but the switcher may keep them

    def adopt_chart(chart: Chart | None) -> None:
        music_thread.set_chart(chart)
        if chart is not None:
            for remark in chart.remarks:
                loop.call_soon(controls.report_remark, "chart", remark)
            loop.call_soon(adopt_meter, chart, controls)

    charts = ChartSwitcher(
        chart_of,
        names_chart_file,
        adopt_chart,
        lambda text, current_text, sentence: controls.take_back("chart", text, current_text, sentence),
        settings.chart,
    )

    def explain_silent_band(settings: Settings) -> None:
        if remark := silent_band_remark(settings):
            loop.call_soon(controls.report_remark, "band", f"the band: {remark}")

    preparations: dict[str, Preparation] = {
        "pack": lambda settings: packs.switch_to(settings.pack, settings.tempo),
        "chart": lambda settings: charts.switch_to(settings.chart),
        "band": explain_silent_band,
        "clock": link.apply_settings,
        "meter": link.apply_settings,
        "tempo": lambda settings: link.set_tempo(settings.tempo),
    }
    controls = ControlStore(settings, throttle, preparations)
    music_thread.on_control_changed = _on_event_loop(controls.record_change)
    music_thread.on_remark = _on_event_loop(controls.report_remark)
    with closing(packs):
        yield controls


def chart_of(text: str) -> Chart | None:
    """The chart that the control's text means; None for none. Raises ChartError."""
    if text == NO_CHART:
        return None
    # Imported here: a jam without a chart does without its readers.
    from model.files.charts import chart_source

    return chart_source.read_chart(text)


def names_chart_file(text: str) -> bool:
    """Whether `chart_of` would read a file, on a disk that may not answer."""
    if text == NO_CHART:
        return False
    from model.files.charts import chart_source

    return chart_source.names_file(text)


def adopt_meter(chart: Chart, controls: ControlStore) -> None:
    """Sets the meter of the jam to that of the chart, where the chart states one."""
    if not chart.meter or chart.meter == controls.value("meter"):
        return
    try:
        controls.set("meter", chart.meter, ORIGIN_MUSIC)
    except BadValue as error:
        controls.report_remark("chart", f"the chart is in {chart.meter}: {error}; its chords share the bars of the jam")


def _on_event_loop(callback: Callable[[str, V], None]) -> Callable[[str, V], None]:
    """Wraps a callback so that another thread may call it: it then runs in the event loop's thread."""
    loop = asyncio.get_running_loop()

    def call_on_loop(control: str, value: V) -> None:
        loop.call_soon_threadsafe(callback, control, value)

    return call_on_loop

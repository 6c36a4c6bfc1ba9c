"""The doctor's checks: each row looks at one thing of this machine, and judges it. A new check is a row here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bridge.midi.jack.jack_ports import LEAD_S
from bridge.timing.clock import Clock
from server.config.config import Config, host_and_port
from server.doctor import daw_checks, machine_facts, midi_checks, model_checks, network_checks, timing_checks
from server.doctor.finding import Finding
from server.doctor.midi_checks import MidiFacts
from server.setup.daw_folders import Machine


@dataclass(frozen=True)
class Examination:
    """What the checks look at. The MIDI system is opened once, as several checks ask for it."""

    config: Config
    clock: Clock
    machine: Machine

    @cached_property
    def midi(self) -> MidiFacts:
        """The MIDI system and its ports."""
        return machine_facts.midi_facts(self.config.midi.api, self.clock)


@dataclass(frozen=True, slots=True)
class Check:
    """One row: its title, and what it finds."""

    title: str
    run: Callable[[Examination], Sequence[Finding]]


def _osc(here: Examination) -> Sequence[Finding]:
    osc = here.config.effective_osc
    error = machine_facts.osc_error(osc)
    is_of_jam = error is not None and machine_facts.is_osc_of_jam(osc)
    return network_checks.judge_bound("OSC port", host_and_port(osc.host, osc.port), error, is_of_jam=is_of_jam)


def _panel(here: Examination) -> Sequence[Finding]:
    panel = here.config.panel
    if not panel.on:
        return [Finding("ok", "the panel is switched off")]
    address = host_and_port(panel.bind_host, panel.port)
    error = machine_facts.panel_error(panel)
    is_of_jam = error is not None and machine_facts.is_panel_of_jam(panel)
    return network_checks.judge_bound("panel port", address, error, is_of_jam=is_of_jam)


def _wake_ups(here: Examination) -> Sequence[Finding]:
    spare_s = LEAD_S if here.midi.period is not None else None
    return timing_checks.judge_wake_ups(machine_facts.wake_ups(spare_s, here.clock))


CHECKS: tuple[Check, ...] = (
    Check("MIDI system", lambda here: midi_checks.judge_system(here.midi, here.config.midi.api)),
    Check("MIDI ports", lambda here: midi_checks.judge_ports(here.midi, here.config.midi)),
    Check("Offset", lambda here: midi_checks.judge_offset(here.midi, here.config)),
    Check("Period", lambda here: midi_checks.judge_period(here.midi)),
    Check("OSC", _osc),
    Check("Panel", _panel),
    Check("Network", lambda here: network_checks.judge_network(machine_facts.network_facts(), here.config)),
    Check(
        "Packs",
        lambda here: model_checks.judge_packs(machine_facts.pack_errors(here.config), here.config.settings.pack),
    ),
    Check("GPU", lambda here: model_checks.judge_gpu(machine_facts.gpu_facts(here.config.engine.device))),
    Check("Speed", lambda here: model_checks.judge_speed(machine_facts.token_speeds(here.config, here.clock))),
    Check("Timing", _wake_ups),
    Check(
        "Takes", lambda here: daw_checks.judge_takes_folder(machine_facts.folder_facts(here.config.takes.data_folder))
    ),
    Check("DAWs", lambda here: daw_checks.judge_daws(machine_facts.daw_facts(here.config, here.machine))),
)

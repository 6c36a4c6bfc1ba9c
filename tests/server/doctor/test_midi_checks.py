import pytest

from bridge.midi.ports import Period
from server.config.config import Config, MidiSection
from server.doctor.midi_checks import MidiFacts, judge_offset, judge_period, judge_ports, judge_system

NO_JACK = "No JACK server is running. Start JACK or PipeWire."
JACK = MidiFacts(
    "jack",
    inputs=["system:midi_capture_1"],
    outputs=["synth:in"],
    period=Period("jack", 256, 48_000),
    others={"alsa": None},
)
NOTHING = MidiFacts(None, error=NO_JACK, others={"jack": NO_JACK, "alsa": "no sequencer"})


def test_the_system_that_is_used_is_named_and_so_is_one_that_would_work_too() -> None:
    (finding,) = judge_system(JACK, "auto")
    assert (finding.state, finding.what) == ("ok", "jack is used; alsa would work too")


def test_without_a_midi_system_one_cannot_play_and_its_own_sentence_says_what_to_do() -> None:
    (finding,) = judge_system(NOTHING, "auto")
    assert (finding.state, finding.remedy) == ("broken", NO_JACK)


def test_where_the_chosen_system_is_missing_the_one_that_works_is_named() -> None:
    (finding,) = judge_system(MidiFacts(None, NO_JACK, others={"alsa": None}), "jack")
    assert finding.what == "no MIDI system can be used, so a jam has its panel alone; alsa would work too"


def test_midi_that_the_user_switched_off_is_a_warning() -> None:
    (finding,) = judge_system(MidiFacts("no MIDI system"), "none")
    assert finding.state == "warning"


def test_virtual_ports_are_fine_and_the_ports_of_others_are_listed() -> None:
    hears, plays = judge_ports(JACK, MidiSection())
    assert hears.state == plays.state == "ok"
    assert hears.what.endswith('"Trading Fours In"; others here: "system:midi_capture_1"')


def test_a_named_port_that_is_missing_is_broken_with_the_nearest_name() -> None:
    _, plays = judge_ports(JACK, MidiSection(output="snyth"))
    assert plays.state == "broken"
    assert 'Did you mean "synth:in"?' in plays.remedy


def test_a_jam_that_runs_already_is_noticed_by_its_ports() -> None:
    facts = MidiFacts(
        "alsa", inputs=["Trading Fours:Trading Fours Out 128:1"], outputs=["Trading Fours:Trading Fours In 128:0"]
    )
    assert [finding.state for finding in judge_ports(facts, MidiSection())] == ["warning", "warning"]


def test_windows_needs_named_ports_and_the_sentence_names_loopmidi() -> None:
    hears, plays = judge_ports(MidiFacts("winmm", inputs=["loop A"], outputs=["loop B"]), MidiSection())
    assert hears.state == plays.state == "broken"
    assert "loopMIDI" in hears.remedy
    hears, plays = judge_ports(
        MidiFacts("winmm", inputs=["loop A"], outputs=["loop B"]), MidiSection(input="loop A", output="loop B")
    )
    assert hears.state == plays.state == "ok"


@pytest.mark.parametrize(
    ("frames", "state"), [(32, "warning"), (64, "ok"), (256, "ok"), (1024, "ok"), (2048, "warning")]
)
def test_a_period_that_leaves_gaps_or_is_felt_is_a_warning(frames: int, state: str) -> None:
    (finding,) = judge_period(MidiFacts("jack", period=Period("jack", frames, 48_000)), "linux")
    assert finding.state == state
    assert bool(finding.remedy) == (state == "warning")


def test_the_period_is_given_in_milliseconds() -> None:
    (finding,) = judge_period(JACK, "linux")
    assert finding.figures["period_ms"] == pytest.approx(5.333, abs=0.001)
    assert "5.3 ms after the key" in finding.what


def test_pipewire_and_jack_have_each_their_own_way_to_set_the_period() -> None:
    pipewire, jack = (MidiFacts("jack", period=Period(name, 8192, 48_000)) for name in ("jack by PipeWire", "jack"))
    assert "pw-metadata -n settings 0 clock.force-quantum 256" in judge_period(pipewire, "linux")[0].remedy
    assert "jackd with -p 256" in judge_period(jack, "linux")[0].remedy


def test_a_system_without_a_period_says_so() -> None:
    (finding,) = judge_period(MidiFacts("coremidi"), "darwin")
    assert (finding.state, finding.figures) == ("ok", {})
    assert judge_period(NOTHING) == []


def test_the_offset_that_a_jam_starts_with_is_said_with_where_it_comes_from() -> None:
    kept = MidiSection(output="synth", offset_ms={"synth:in": -12.5, "Trading Fours Out": -3.0})
    (named,) = judge_offset(JACK, Config(midi=kept))
    assert named.what == 'notes go out at offset_ms = -12.5 ms (measured by fours calibrate for "synth:in")'
    assert (named.state, named.figures) == ("ok", {"offset_ms": -12.5})
    (ours,) = judge_offset(JACK, Config(midi=kept.model_copy(update={"output": ""})))
    assert ours.figures == {"offset_ms": -3.0}
    (unknown,) = judge_offset(JACK, Config())
    assert unknown.what == "notes go out at offset_ms = 0 ms (not measured; fours calibrate does that)"


@pytest.mark.parametrize("midi", [MidiSection(output="piano"), MidiSection(api="none")])
def test_where_nothing_goes_out_no_offset_is_said(midi: MidiSection) -> None:
    assert judge_offset(JACK, Config(midi=midi)) == []
    assert judge_offset(NOTHING, Config()) == []

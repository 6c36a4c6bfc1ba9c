"""Each row of the cases at the ports and on disk (`shared/cases/README.md`) has its tests. Those of files are `tests/model/files/test_cases.py`."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.named_tests import assert_test_exists

HELD_KEYS = "tests/server/jam/test_held_keys.py"
TESTS: Mapping[str, tuple[str, ...]] = {
    # At the ports.
    "sustain pedal down, a phrase, CC 123": (
        f"{HELD_KEYS}::TestModeMessages::test_all_notes_off_leaves_the_pedal_down",
    ),
    "pedal down, keys up, CC 121": (
        f"{HELD_KEYS}::TestModeMessages::test_reset_all_controllers_releases_the_pedal_for_this_phrase_and_the_next",
    ),
    "a key or the pedal held on channel 1": (
        f"{HELD_KEYS}::TestChannels::test_releasing_keys_on_one_channel_leaves_those_of_another_down",
    ),
    "the same pitch on channels 2 and 3": (f"{HELD_KEYS}::TestChannels::test_a_pitch_on_two_channels_is_two_keys",),
    "`learn`: a knob that sends NRPN": (
        "tests/server/remote/test_cc_input.py::TestLearning::test_a_knob_that_sends_an_nrpn_is_refused_with_a_sentence",
        "tests/server/remote/test_cc_input.py::TestLearning::test_waits_on_over_a_null_parameter_and_a_bank_select",
        "tests/server/remote/test_learn_command.py::test_a_knob_that_sends_an_nrpn_is_refused_with_a_sentence",
    ),
    "the process is stopped for twelve seconds": (
        "tests/server/music/test_suspended_live.py::test_what_was_missed_is_left_out_and_then_it_plays_in_time",
        "tests/server/jam/test_late_notes.py::test_a_sounding_note_is_ended_even_if_its_end_is_late",
    ),
    "the JACK server ends in the middle of an answer": (
        "tests/server/music/test_lost_server_live.py::test_a_jam_plays_again_within_three_seconds_of_the_servers_return",
        "tests/server/music/test_lost_ports.py::test_notes_that_sounded_on_a_lost_output_are_ended_when_it_is_back",
        "tests/bridge/midi/jack/test_jack_ports_live.py::TestPorts::test_a_named_port_whose_program_was_started_again_at_once_is_found_again",
    ),
    "Web MIDI: a keyboard is unplugged": (
        "tests/server/panel/test_midi_keyboards_live.py::TestMidiKeyboardOfTheBrowser::test_that_is_unplugged_releases_its_key_and_its_pedal_at_once",
    ),
    "25 frames a second of MTC": (
        "tests/server/takes/journal/test_journal.py::TestSize::test_what_is_no_music_is_not_written_because_a_flood_of_it_would_fill_the_disk",
    ),
    # On disk.
    "`fours learn` with the disk full": (
        "tests/server/config/test_toml_editor.py::test_on_a_full_disk_the_file_is_as_it_was",
    ),
    "a `config.toml` saved with a byte-order mark": (
        "tests/server/config/test_config.py::TestLoad::test_a_file_with_a_byte_order_mark_is_read",
    ),
    "`fours train` with a folder, file or `--out`": (
        "tests/train/test_cli.py::TestPack::test_names_that_are_not_utf_8_are_read_and_written",
    ),
    "a manifest whose paths have another Unicode form": (
        "tests/train/corpus/test_manifest.py::test_a_row_finds_its_file_in_any_spelling",
        "tests/train/corpus/test_manifest.py::test_rows_that_fit_no_file_are_refused_where_files_have_no_row",
    ),
    "a take's `.mid`": (
        "tests/server/takes/test_take_export.py::TestOneSynthForBoth::test_both_tracks_sound_as_the_two_do_apart",
    ),
    "a corpus folder that holds links to folders": (
        "tests/train/corpus/test_music_files.py::test_a_link_to_a_folder_is_followed",
        "tests/train/corpus/test_music_files.py::test_circular_links_end_and_no_folder_is_searched_twice",
    ),
}


def test_every_row_has_its_tests(cases: Path) -> None:
    readme = (cases / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!-|played|done)(.+?) \|", readme.partition("## At the ports")[2], re.MULTILINE)
    assert len(rows) >= 15
    assert [row for row in rows if sum(row.startswith(begin) for begin in TESTS) != 1] == []
    assert [begin for begin in TESTS if not any(row.startswith(begin) for row in rows)] == []


@pytest.mark.parametrize(
    "test", [test for tests in TESTS.values() for test in tests], ids=lambda test: test.rpartition("::")[2]
)
def test_that_test_exists(test: str) -> None:
    assert_test_exists(*test.split("::", 1))

from server.doctor.daw_checks import DawFacts, FolderFacts, judge_daws, judge_takes_folder


def test_each_daw_that_is_found_has_its_line() -> None:
    none, current, other = judge_daws(
        [
            DawFacts("reaper", "REAPER", "~/.config/REAPER", "none"),
            DawFacts("ardour", "Ardour", "~/.config/ardour8", "current"),
            DawFacts("bitwig", "Bitwig Studio", "~/Bitwig Studio", "other"),
        ]
    )
    assert "fours setup reaper writes" in none.what
    assert current.what == "Ardour, ~/.config/ardour8: set up"
    assert (other.state, other.remedy) == (
        "warning",
        "Write them again: fours setup bitwig --remove, then fours setup bitwig.",
    )


def test_no_daw_is_no_fault() -> None:
    (finding,) = judge_daws([])
    assert finding.state == "ok"


def test_a_folder_that_cannot_be_written_to_or_is_full_is_a_warning() -> None:
    assert judge_takes_folder(FolderFacts("/takes", None, 5_000.0))[0].state == "ok"
    assert judge_takes_folder(FolderFacts("/takes", "it may not be written to", 5_000.0))[0].state == "warning"
    (full,) = judge_takes_folder(FolderFacts("/takes", None, 12.0))
    assert full.what == "/takes has 12 MB left"

import json
from collections.abc import Sequence

from bridge.timing.clock import ManualClock
from server.config.config import Config
from server.doctor.check_table import Check, Examination
from server.doctor.doctor_command import Examined, as_json, examine, lines, verdict
from server.doctor.finding import Finding
from server.setup.daw_folders import Machine

FINE = Finding("ok", "intact: songbook", figures={"packs": 1.0})
POOR = Finding("warning", "slow", "Close other programs.")
BROKEN = Finding("broken", "OSC port 8000 is not free", "Choose another.")


def examined(*findings: Finding) -> list[Examined]:
    return [Examined("Check", findings)]


def run(*checks: Check, tmp_home: str = "/home/anna") -> list[Examined]:
    from pathlib import Path

    return list(examine(Examination(Config(), ManualClock(), Machine("linux", Path(tmp_home), {})), checks))


def test_the_verdict_says_whether_one_can_play() -> None:
    assert verdict(examined(FINE)) == "You can play."
    assert verdict(examined(FINE, POOR)) == "You can play. 1 thing could be better, see the arrows."
    assert verdict(examined(BROKEN, POOR, BROKEN)) == "You cannot play yet: 2 things are broken, see the arrows."


def test_what_to_do_stands_below_what_was_found() -> None:
    assert list(lines(Examined("Speed", [FINE, POOR]))) == [
        "Speed        ok       intact: songbook",
        "             warning  slow",
        "                      -> Close other programs.",
    ]


def test_a_check_that_finds_nothing_writes_nothing() -> None:
    assert list(lines(Examined("Period", []))) == []


def test_a_check_that_fails_is_a_warning_and_the_next_one_still_runs() -> None:
    def fail(_here: Examination) -> Sequence[Finding]:
        raise PermissionError("no access")

    failed, fine = run(Check("Packs", fail), Check("GPU", lambda _here: [FINE]))
    assert failed.findings[0].state == "warning"
    assert "PermissionError: no access" in failed.findings[0].what
    assert fine.findings == [FINE]


def test_the_report_for_programs_has_every_finding_and_its_figures() -> None:
    report = json.loads(json.dumps(as_json(examined(FINE, BROKEN))))
    assert report["can_play"] is False
    assert report["findings"][0] == {
        "check": "Check",
        "state": "ok",
        "what": "intact: songbook",
        "remedy": "",
        "figures": {"packs": 1.0},
    }

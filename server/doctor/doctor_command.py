"""`fours doctor`: runs the checks one after the other, and writes what they found as lines or as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.doctor.check_table import Check, Examination
from server.doctor.finding import Finding, can_play

TITLE_WIDTH, STATE_WIDTH = 12, 8


@dataclass(frozen=True, slots=True)
class Examined:
    """What one check has found."""

    title: str
    findings: Sequence[Finding]


def examine(here: Examination, checks: Sequence[Check]) -> Iterator[Examined]:
    """Runs the checks. One that fails is a warning, and the others still run."""
    for check in checks:
        try:
            findings = check.run(here)
        except Exception as error:  # noqa: BLE001  the machine is what is examined, and may do anything
            what = f"this could not be checked: {type(error).__name__}: {error}"
            findings = [Finding("warning", what, "Please report it, with this line.")]
        yield Examined(check.title, findings)


def lines(examined: Examined) -> Iterator[str]:
    """What one check has found, for people: what to do stands below what was found."""
    title = examined.title
    for finding in examined.findings:
        yield f"{title:{TITLE_WIDTH}} {finding.state:{STATE_WIDTH}} {finding.what}"
        if finding.remedy:
            yield f"{'':{TITLE_WIDTH + STATE_WIDTH + 1}} -> {finding.remedy}"
        title = ""


def verdict(all_examined: Sequence[Examined]) -> str:
    """The last line."""
    findings = [finding for examined in all_examined for finding in examined.findings]
    warnings = sum(finding.state == "warning" for finding in findings)
    broken = sum(finding.state == "broken" for finding in findings)
    if not can_play(findings):
        return f"You cannot play yet: {_count(broken, 'thing is', 'things are')} broken, see the arrows."
    if warnings:
        return f"You can play. {_count(warnings, 'thing', 'things')} could be better, see the arrows."
    return "You can play."


def as_json(all_examined: Sequence[Examined]) -> dict[str, object]:
    """The same for programs."""
    findings = [finding for examined in all_examined for finding in examined.findings]
    return {
        "can_play": can_play(findings),
        "findings": [
            {
                "check": examined.title,
                "state": finding.state,
                "what": finding.what,
                "remedy": finding.remedy,
                "figures": dict(finding.figures),
            }
            for examined in all_examined
            for finding in examined.findings
        ],
    }


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

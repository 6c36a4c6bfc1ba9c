"""Judges the DAWs that are found here (whether `fours setup` has written their files), and the takes' folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from server.doctor.finding import Finding

FilesState = Literal["none", "current", "other"]

LEAST_FREE_MB = 100.0
"""A jam of an hour takes 2 MB at most; below this other programs begin to fail too."""


@dataclass(frozen=True, slots=True)
class DawFacts:
    """A DAW whose folder was found: whether our files are in it, as this version writes them (`current`) or otherwise."""

    name: str
    title: str
    folder: str
    files: FilesState


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """A folder to write into; `error` says why that does not work, or is None."""

    path: str
    error: str | None
    free_mb: float


def judge_daws(found: Sequence[DawFacts]) -> list[Finding]:
    """What there is, and the command that sets it up."""
    if not found:
        return [Finding("ok", "no DAW's folder is found here; fours setup DAW --to FOLDER writes its files anywhere")]
    findings = []
    for daw in found:
        where = f"{daw.title}, {daw.folder}"
        match daw.files:
            case "current":
                findings.append(Finding("ok", f"{where}: set up"))
            case "none":
                findings.append(Finding("ok", f"{where}: fours setup {daw.name} writes the file that it takes"))
            case "other":
                what = f"{where}: its files are of another version or configuration, or were edited"
                remedy = f"Write them again: fours setup {daw.name} --remove, then fours setup {daw.name}."
                findings.append(Finding("warning", what, remedy))
    return findings


def judge_takes_folder(facts: FolderFacts) -> list[Finding]:
    """Whether jams can be recorded."""
    if facts.error is not None:
        what = f"jams are not recorded: {facts.path}: {facts.error}"
        return [Finding("warning", what, "Make that folder writable, or name another one in takes.folder.")]
    if facts.free_mb < LEAST_FREE_MB:
        what = f"{facts.path} has {facts.free_mb:.0f} MB left"
        return [Finding("warning", what, "Make room on that disk.", {"free_mb": facts.free_mb})]
    return [Finding("ok", f"recorded in {facts.path}", figures={"free_mb": facts.free_mb})]

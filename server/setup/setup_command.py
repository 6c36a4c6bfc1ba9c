"""`fours setup DAW`: writes the files that a DAW takes into its folder, or removes them, and says what is left to click."""

from collections.abc import Callable
from pathlib import Path

from bridge.errors import did_you_mean
from server.config.config import Config
from server.errors import SetupError
from server.setup.daw_folders import Machine, found_folder, shown
from server.setup.daw_table import DAWS, OTHER_NAMES, Daw
from server.setup.own_files import OwnFiles
from server.setup.partner import Partner

Say = Callable[[str], None]


def find_daw(name: str) -> Daw:
    """The row of a DAW. Raises SetupError if there is none of that name."""
    for known, daw in DAWS.items():
        if known == name.casefold():
            return daw
    meant = OTHER_NAMES.get(name.casefold().replace("-", " "))
    hint = did_you_mean(name, list(DAWS)) if meant is None else f' Did you mean "{meant}"?'
    raise SetupError(f"there is nothing to set up for {name}.{hint} There are: {', '.join(DAWS)}.")


def set_up(
    daw: Daw,
    config: Config,
    machine: Machine,
    own_files: OwnFiles,
    say: Say,
    *,
    to: Path | None,
    tempo_bpm: float | None,
) -> None:
    """Writes the files into `to`, or into the DAW's folder. Raises SetupError if that is not found, or a file is not ours."""
    partner = Partner.of(config, tempo_bpm)
    files = daw.files(partner, config)
    folder = _folder(daw, machine, to) if files else machine.home
    paths = {folder / name: content for name, content in files.items()}
    written = own_files.write(paths)
    for path in paths:
        say(f"{shown(path, machine.home)}{'' if path in written else ' (unchanged)'}")
    for number, step in enumerate(daw.steps(partner, config), 1):
        say(f"{number}. {step.replace('FOLDER', str(folder))}")


def take_down(daw: Daw, config: Config, machine: Machine, own_files: OwnFiles, say: Say, *, to: Path | None) -> None:
    """Removes what `set_up` wrote into the same folder; a file that was edited since stays."""
    files = daw.files(Partner.of(config), config)
    folder = _folder(daw, machine, to) if files else machine.home
    gone, kept = own_files.remove(folder, {folder / name: content for name, content in files.items()})
    for path in gone:
        say(f"{shown(path, machine.home)} is gone")
    for path in kept:
        say(f"{shown(path, machine.home)} was edited since fours wrote it, and stays")
    if not gone and not kept:
        say(f"There is nothing of ours for {daw.title}.")


def _folder(daw: Daw, machine: Machine, to: Path | None) -> Path:
    if to is not None:
        return to
    folder = found_folder(daw.folders, machine)
    if folder is not None:
        return folder
    looked = " and ".join(shown(path, machine.home) for path in daw.folders(machine))
    where = f" (looked for {looked})" if looked else ""
    raise SetupError(f"the folder of {daw.title} is not found{where}; name it, or any other, with --to")

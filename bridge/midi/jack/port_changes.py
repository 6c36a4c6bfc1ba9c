"""What has changed among the ports of all programs on the JACK server since it was last asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jack


class PortChanges:
    """Collects changes, which JACK reports in a thread of its own."""

    def __init__(self) -> None:
        self._new_names: set[str] = set()
        self._renames: list[tuple[str, str]] = []
        self._has_changed = False

    def take_has_changed(self) -> bool:
        """Whether a port was opened, closed or renamed since the last call."""
        taken, self._has_changed = self._has_changed, False
        return taken

    def take_renames(self) -> list[tuple[str, str]]:
        """The old and the new name of each port that was renamed since the last call, in order."""
        taken, self._renames = self._renames, []
        return taken

    def take_new_names(self) -> set[str]:
        """The names of the ports of all programs that were opened since the last call."""
        taken, self._new_names = self._new_names, set()
        return taken

    def on_registered(self, port: jack.Port | None, is_registered: bool) -> None:  # noqa: FBT001  JACK-Client's order
        """Takes a port that was opened or closed."""
        if is_registered and port is not None:
            self._new_names.add(port.name)
        self._has_changed = True

    def on_renamed(self, _port: object, before: str, after: str) -> None:
        """Takes a port that was renamed."""
        self._renames.append((before, after))
        self._has_changed = True

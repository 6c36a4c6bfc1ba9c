"""The takes of the shelf as the page lists and fetches them; knows no page, and leaves the music to `server.takes.take_export`."""

from contextlib import suppress

from server.errors import TakeError
from server.panel.jam_handle import TakeListing
from server.takes.take_export import journal_as_midi
from server.takes.take_library import TakeLibrary

MOST_LISTED = 40


class TakeList:
    """Every jam that was written down, this one too, and each stretch that was marked in it."""

    def __init__(self, shelf: TakeLibrary) -> None:
        self._shelf = shelf

    def rows(self) -> list[TakeListing]:
        """The newest first, each jam before what is marked in it."""
        found: list[TakeListing] = []
        for row in reversed(self._shelf.entries()):
            ended = row.summary
            notes = ended.heard_notes + ended.played_notes
            if notes:
                found.append(TakeListing(row.id, row.began_at, ended.at_s, notes))
                for number, mark in enumerate(ended.marks, 1):
                    found.append(TakeListing(f"{row.id}:{number}", row.began_at, mark.until_s - mark.from_s, None))
            if len(found) >= MOST_LISTED:
                break
        return found

    def midi(self, name: str) -> bytes:
        """A jam by its id, or one of its marks by `id:number`, as a `.mid` file. Raises TakeError."""
        jam, colon, mark = name.partition(":")
        number = None
        if colon:
            with suppress(ValueError):
                number = int(mark)
            if number is None:
                raise TakeError(f"a mark is a number, such as {jam}:1, not {mark!r}")
        return journal_as_midi(self._shelf.find(jam).path, number)

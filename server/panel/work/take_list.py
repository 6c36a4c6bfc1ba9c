"""The list of takes, as the page shows and fetches them. It knows no page; `server.takes.take_export` makes the files."""

from server.panel.jam_handle import TakeListing
from server.takes.take_export import find_take, journal_as_midi
from server.takes.take_library import TakeLibrary

MOST_LISTED = 40


class TakeList:
    """Every jam in the take library, also the running one, and each marked stretch of a jam. It is a `TakeSource`."""

    def __init__(self, library: TakeLibrary) -> None:
        self._library = library

    def listings(self) -> list[TakeListing]:
        """The newest jams with notes, the newest first, each before its marks; some 40 entries at most."""
        listings: list[TakeListing] = []
        for entry in reversed(self._library.entries()):
            summary = entry.summary
            notes = summary.heard_notes + summary.played_notes
            if notes:
                listings.append(TakeListing(entry.id, entry.began_at, summary.at_s, notes))
                for number, mark in enumerate(summary.marks, 1):
                    seconds = mark.until_s - mark.from_s
                    listings.append(TakeListing(f"{entry.id}:{number}", entry.began_at, seconds, None))
            if len(listings) >= MOST_LISTED:
                break
        return listings

    def as_midi(self, name: str) -> bytes:
        """A jam, by its id, or one of its marks, by `id:number` from 1, as a `.mid` file. Raises TakeError."""
        entry, mark = find_take(self._library, name)
        return journal_as_midi(entry.path, mark)

"""Puts the jam's status and timeline into the feed whenever they have changed."""

from bridge.timing.timeline import Timeline
from server.jam.jam import Jam
from server.music.conductor import Conductor
from server.music.feed import Feed, StatusChanged, TimelineChanged


class StatusPublisher:
    """Compares with what was published last. For the music thread only, which calls it after each round of its loop."""

    def __init__(self, jam: Jam, conductor: Conductor, feed: Feed) -> None:
        self._jam = jam
        self._conductor = conductor
        self._feed = feed
        self._status: StatusChanged | None = None
        self._timeline: Timeline | None = None
        self._source: tuple[object, ...] = ()

    def publish(self, now_s: float, *, is_input_lost: bool, is_output_lost: bool) -> None:
        """Publishes what has changed since the last call; `now_s` is the monotonic second of the events."""
        status = StatusChanged(self._jam.status, now_s, is_input_lost, is_output_lost)
        if status != self._status:
            self._status = status
            self._feed.put(status)
        timeline, source = self._conductor.timeline, (self._conductor.transport, self._conductor.source)
        # By identity: comparing the contents of a timeline that a clock has changed a hundred times takes too long.
        if timeline is not self._timeline or source != self._source:
            self._timeline, self._source = timeline, source
            self._feed.put(TimelineChanged(timeline, *source, now_s))

import pytest

from bridge.midi.messages import NoteOn
from bridge.timing.timeline import Timeline
from server.jam.jam_output import JamState, JamStatus
from server.music import feed as feed_module
from server.music.feed import (
    EVENTS_KEPT,
    ActionRequested,
    Event,
    Feed,
    FeedSubscription,
    MessageReceived,
    StatusChanged,
    TimelineChanged,
)


def received(number: int) -> MessageReceived:
    return MessageReceived(NoteOn(60, 80), float(number), float(number))


def test_each_subscriber_takes_the_events_since_it_last_took() -> None:
    feed = Feed()
    first, second = feed.subscribe(), feed.subscribe()
    feed.put(received(1))
    assert first.take_events() == [received(1)]
    feed.put(ActionRequested("stop", 2.0, 4.0))
    assert first.take_events() == [ActionRequested("stop", 2.0, 4.0)]
    assert second.take_events() == [received(1), ActionRequested("stop", 2.0, 4.0)]
    assert second.take_events() == []


def test_an_ended_subscription_gets_nothing() -> None:
    feed = Feed()
    subscription = feed.subscribe()
    feed.unsubscribe(subscription)
    feed.put(received(1))
    assert subscription.take_events() == []


def test_a_slow_subscriber_loses_the_oldest_events_and_uses_no_more_memory() -> None:
    feed = Feed()
    subscription = feed.subscribe()
    for number in range(EVENTS_KEPT + 10):
        feed.put(received(number))
    taken = subscription.take_events()
    assert len(taken) == EVENTS_KEPT
    assert taken[0] == received(10)


def test_a_late_subscriber_begins_with_the_last_timeline_and_status() -> None:
    feed = Feed()
    for at_s in (1.0, 2.0):
        feed.put(StatusChanged(JamStatus(), at_s))
        feed.put(TimelineChanged(Timeline.start(120.0), "free", "internal", at_s))
        feed.put(received(1))
    timeline, status = feed.subscribe().take_events()
    assert (timeline.at_s, status.at_s) == (2.0, 2.0)
    assert (type(timeline), type(status)) == (TimelineChanged, StatusChanged)


def test_a_change_while_someone_subscribes_is_the_last_that_the_subscriber_gets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = Feed()
    states: tuple[JamState, ...] = ("listening", "waiting", "answering")
    timelines = [Timeline.start(tempo_bpm) for tempo_bpm in (100.0, 110.0, 120.0)]
    changes: list[tuple[Event, ...]] = [
        (StatusChanged(JamStatus(state), at_s), TimelineChanged(timeline, "free", "internal", at_s))
        for at_s, (state, timeline) in enumerate(zip(states, timelines, strict=True))
    ]
    for event in changes.pop(0):
        feed.put(event)

    class InterruptedSubscription(FeedSubscription):
        """Just before each of the first events comes into this queue, the music thread puts two more."""

        is_interrupted = False

        def put(self, event: Event) -> None:
            if changes and not self.is_interrupted:
                self.is_interrupted = True
                for change in changes.pop(0):
                    feed.put(change)
                self.is_interrupted = False
            super().put(event)

    monkeypatch.setattr(feed_module, "FeedSubscription", InterruptedSubscription)
    taken = feed.subscribe().take_events()
    assert [event.jam.state for event in taken if isinstance(event, StatusChanged)][-1] == "answering"
    assert [event.timeline for event in taken if isinstance(event, TimelineChanged)][-1] is timelines[-1]


def test_a_subscriber_that_waits_is_notified_once_of_the_next_event() -> None:
    feed, notified = Feed(), []
    subscription = feed.subscribe()
    subscription.take_events()
    subscription.notify_once(lambda: notified.append(len(notified)))
    assert not notified
    for _ in range(3):
        feed.put(ActionRequested("respond", 1.0, 2.0))
    assert notified == [0]


def test_a_subscriber_is_notified_at_once_of_an_event_that_is_there_already() -> None:
    feed, notified = Feed(), []
    subscription = feed.subscribe()
    feed.put(ActionRequested("respond", 1.0, 2.0))
    subscription.notify_once(lambda: notified.append(True))
    assert notified == [True]

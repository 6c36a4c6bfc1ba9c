from bridge.midi.messages import NoteOn
from bridge.timing.timeline import Timeline
from server.music.feed import EVENTS_KEPT, ActionRequested, Feed, MessageReceived, StatusChanged, TimelineChanged


def heard(number: int) -> MessageReceived:
    return MessageReceived(NoteOn(60, 80), float(number), float(number))


def test_each_watcher_takes_what_has_happened_since_it_last_took() -> None:
    feed = Feed()
    first, second = feed.subscribe(), feed.subscribe()
    feed.put(heard(1))
    assert first.take_events() == [heard(1)]
    feed.put(ActionRequested("stop", 2.0, 4.0))
    assert first.take_events() == [ActionRequested("stop", 2.0, 4.0)]
    assert second.take_events() == [heard(1), ActionRequested("stop", 2.0, 4.0)]
    assert second.take_events() == []


def test_whoever_has_left_gets_nothing_and_an_unwatched_feed_says_so() -> None:
    feed = Feed()
    told = [feed.has_subscribers]
    watch = feed.subscribe()
    told.append(feed.has_subscribers)
    feed.unsubscribe(watch)
    told.append(feed.has_subscribers)
    feed.put(heard(1))
    assert watch.take_events() == []
    assert told == [False, True, False]


def test_a_watcher_that_sleeps_loses_the_oldest_and_costs_no_more_memory() -> None:
    feed = Feed()
    watch = feed.subscribe()
    for number in range(EVENTS_KEPT + 10):
        feed.put(heard(number))
    taken = watch.take_events()
    assert len(taken) == EVENTS_KEPT
    assert taken[0] == heard(10)


def test_a_late_watcher_begins_with_how_things_stand() -> None:
    feed = Feed()
    for at_s in (1.0, 2.0):
        feed.put(StatusChanged("listening", None, (), at_s))
        feed.put(TimelineChanged(Timeline.start(120.0), "free", "internal", at_s))
        feed.put(heard(1))
    kept, stands = feed.subscribe().take_events()
    assert (kept.at_s, stands.at_s) == (2.0, 2.0)
    assert (type(kept), type(stands)) == (TimelineChanged, StatusChanged)

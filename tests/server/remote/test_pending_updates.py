from server.remote.pending_updates import TOUCH_S, PendingUpdates


def test_a_name_is_due_once_however_often_it_has_changed() -> None:
    due = PendingUpdates()
    for _ in range(3):
        due.add("tempo")
    due.add("key")
    assert due.take_due(0.0) == ("tempo", "key")
    assert due.take_due(1.0) == ()


def test_whoever_is_new_is_due_all_it_was_given() -> None:
    assert PendingUpdates(("tempo", "key")).take_due(0.0) == ("tempo", "key")


def test_a_finger_gets_no_echo_while_it_moves_and_the_value_that_was_taken_when_it_rests() -> None:
    due = PendingUpdates()
    for at_s in (0.0, 0.1, 0.2):
        due.hold_back("tempo", at_s)
        due.add("tempo")
        assert due.take_due(at_s + 0.09) == ()
    assert due.take_due(0.2 + TOUCH_S) == ("tempo",)
    assert due.take_due(9.0) == ()


def test_a_finger_on_one_fader_keeps_no_other_from_moving() -> None:
    due = PendingUpdates()
    due.hold_back("tempo", 0.0)
    due.add("key")
    assert due.take_due(0.01) == ("key",)


def test_what_others_change_meanwhile_waits_until_the_finger_rests() -> None:
    due = PendingUpdates()
    due.hold_back("tempo", 0.0)
    assert due.take_due(0.1) == ()
    due.add("tempo")
    assert due.take_due(0.14) == ()
    assert due.take_due(0.15) == ("tempo",)
    due.add("tempo")
    assert due.take_due(0.16) == ("tempo",)

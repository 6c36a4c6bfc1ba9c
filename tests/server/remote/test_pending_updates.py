from server.remote.pending_updates import TOUCH_S, PendingUpdates


def test_a_name_is_sent_once_however_often_it_has_changed() -> None:
    pending = PendingUpdates()
    for _ in range(3):
        pending.add("tempo")
    pending.add("key")
    assert pending.take_due(0.0) == ("tempo", "key")
    assert pending.take_due(1.0) == ()


def test_a_new_receiver_gets_all_its_names() -> None:
    assert PendingUpdates(("tempo", "key")).take_due(0.0) == ("tempo", "key")


def test_a_finger_gets_no_echo_while_it_moves_and_the_accepted_value_when_it_rests() -> None:
    pending = PendingUpdates()
    for at_s in (0.0, 0.1, 0.2):
        pending.hold_back("tempo", at_s)
        pending.add("tempo")
        assert pending.take_due(at_s + 0.09) == ()
    assert pending.take_due(0.2 + TOUCH_S) == ("tempo",)
    assert pending.take_due(9.0) == ()


def test_a_finger_on_one_fader_holds_back_no_other() -> None:
    pending = PendingUpdates()
    pending.hold_back("tempo", 0.0)
    pending.add("key")
    assert pending.take_due(0.01) == ("key",)


def test_changes_by_others_wait_until_the_finger_rests() -> None:
    pending = PendingUpdates()
    pending.hold_back("tempo", 0.0)
    assert pending.take_due(0.1) == ()
    pending.add("tempo")
    assert pending.take_due(0.14) == ()
    assert pending.take_due(0.15) == ("tempo",)
    pending.add("tempo")
    assert pending.take_due(0.16) == ("tempo",)

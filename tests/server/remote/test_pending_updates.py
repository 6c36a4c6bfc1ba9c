from server.remote.pending_updates import FINGER_S, Due


def test_a_name_is_due_once_however_often_it_has_changed() -> None:
    due = Due()
    for _ in range(3):
        due.changed("tempo")
    due.changed("key")
    assert due.take(0.0) == ("tempo", "key")
    assert due.take(1.0) == ()


def test_whoever_is_new_is_due_all_it_was_given() -> None:
    assert Due(("tempo", "key")).take(0.0) == ("tempo", "key")


def test_a_finger_gets_no_echo_while_it_moves_and_the_value_that_was_taken_when_it_rests() -> None:
    due = Due()
    for at_s in (0.0, 0.1, 0.2):
        due.moved("tempo", at_s)
        due.changed("tempo")
        assert due.take(at_s + 0.09) == ()
    assert due.take(0.2 + FINGER_S) == ("tempo",)
    assert due.take(9.0) == ()


def test_a_finger_on_one_fader_keeps_no_other_from_moving() -> None:
    due = Due()
    due.moved("tempo", 0.0)
    due.changed("key")
    assert due.take(0.01) == ("key",)


def test_what_others_change_meanwhile_waits_until_the_finger_rests() -> None:
    due = Due()
    due.moved("tempo", 0.0)
    assert due.take(0.1) == ()
    due.changed("tempo")
    assert due.take(0.14) == ()
    assert due.take(0.15) == ("tempo",)
    due.changed("tempo")
    assert due.take(0.16) == ("tempo",)

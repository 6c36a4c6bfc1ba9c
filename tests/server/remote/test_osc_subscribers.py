from server.remote.osc_subscribers import DESTINATIONS_PER_HOST, EXPIRES_AFTER_S, MAX_HOSTS, OscSubscribers

NAMES = ("tempo", "key")
REPLY_PORT = 9000
PHONE, TABLET = ("192.168.1.20", 54321), ("192.168.1.21", 54321)
PHONES_SCREEN, TABLETS_SCREEN = (PHONE[0], REPLY_PORT), (TABLET[0], REPLY_PORT)


def those(subscribers: OscSubscribers, now_s: float) -> dict[tuple[str, int], tuple[str, ...]]:
    """What is told now, by place."""
    return {address: names for names, addresses in subscribers.take_due(now_s).items() for address in addresses}


def test_whoever_says_anything_is_told_everything_where_it_sends_from_and_at_the_reply_port() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    assert those(subscribers, 0.0) == {}
    subscribers.on_message_from(PHONE, 0.0)
    assert those(subscribers, 0.0) == {PHONE: NAMES, PHONES_SCREEN: NAMES}
    subscribers.on_message_from(PHONE, 1.0)
    assert those(subscribers, 1.0) == {}


def test_an_app_that_listens_where_it_sends_from_is_one_place() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    subscribers.on_message_from(PHONES_SCREEN, 0.0)
    assert subscribers.addresses == (PHONES_SCREEN,)


def test_without_a_reply_port_there_is_the_senders_only() -> None:
    subscribers = OscSubscribers(NAMES, None)
    subscribers.on_message_from(PHONE, 0.0)
    assert subscribers.addresses == (PHONE,)


def test_all_are_told_of_a_change_and_those_who_are_to_be_told_the_same_are_told_together() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    for app in (PHONE, TABLET):
        subscribers.on_message_from(app, 0.0)
    subscribers.take_due(0.0)
    subscribers.add_update("tempo")
    assert subscribers.take_due(0.0) == {("tempo",): [PHONE, PHONES_SCREEN, TABLET, TABLETS_SCREEN]}


def test_a_finger_gets_no_echo_in_either_of_its_places_and_others_do() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    for app in (PHONE, TABLET):
        subscribers.on_message_from(app, 0.0)
    subscribers.take_due(0.0)
    subscribers.add_update("tempo")
    subscribers.hold_back(PHONE, "tempo", 0.0)
    assert set(those(subscribers, 0.1)) == {TABLET, TABLETS_SCREEN}
    assert set(those(subscribers, 0.2)) == {PHONE, PHONES_SCREEN}


def test_whoever_asks_to_be_in_step_is_told_everything_again_and_nobody_else() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    for app in (PHONE, TABLET):
        subscribers.on_message_from(app, 0.0)
    subscribers.take_due(0.0)
    subscribers.resend_all(TABLET)
    assert those(subscribers, 0.0) == {TABLET: NAMES, TABLETS_SCREEN: NAMES}


def test_whoever_has_been_silent_for_long_is_forgotten_and_begins_anew() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    subscribers.on_message_from(PHONE, 0.0)
    subscribers.on_message_from(TABLET, 10.0)
    subscribers.take_due(EXPIRES_AFTER_S + 1.0)
    assert subscribers.addresses == (TABLET, TABLETS_SCREEN)
    subscribers.on_message_from(PHONE, EXPIRES_AFTER_S + 2.0)
    assert those(subscribers, EXPIRES_AFTER_S + 2.0) == {PHONE: NAMES, PHONES_SCREEN: NAMES}


def test_a_script_that_sends_from_ever_new_ports_takes_nobody_elses_place() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    subscribers.on_message_from(PHONE, 0.0)
    for port in range(20_000, 20_100):
        subscribers.on_message_from((TABLET[0], port), 1.0)
    places = subscribers.addresses
    assert places[:2] == (PHONE, PHONES_SCREEN)
    assert len(places) == 2 + DESTINATIONS_PER_HOST
    assert TABLETS_SCREEN in places
    assert (TABLET[0], 20_099) in places


def test_ever_new_hosts_cost_no_more_than_so_many() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    for number in range(200):
        subscribers.on_message_from((f"10.0.0.{number}", 9001), 0.0)
    assert len(subscribers.addresses) == 2 * MAX_HOSTS

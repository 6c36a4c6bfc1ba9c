from server.remote.osc_subscribers import DESTINATIONS_PER_HOST, EXPIRES_AFTER_S, MAX_HOSTS, OscSubscribers

NAMES = ("tempo", "key")
REPLY_PORT = 9000
PHONE, TABLET = ("192.168.1.20", 54321), ("192.168.1.21", 54321)
PHONE_REPLY, TABLET_REPLY = (PHONE[0], REPLY_PORT), (TABLET[0], REPLY_PORT)


def due_by_address(subscribers: OscSubscribers, now_s: float) -> dict[tuple[str, int], tuple[str, ...]]:
    """The names to send now, by address."""
    return {address: names for names, addresses in subscribers.take_due(now_s).items() for address in addresses}


def test_a_new_app_gets_everything_at_its_own_port_and_at_the_reply_port() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    assert due_by_address(subscribers, 0.0) == {}
    subscribers.on_message_from(PHONE, 0.0)
    assert due_by_address(subscribers, 0.0) == {PHONE: NAMES, PHONE_REPLY: NAMES}
    subscribers.on_message_from(PHONE, 1.0)
    assert due_by_address(subscribers, 1.0) == {}


def test_an_app_that_sends_from_the_reply_port_is_one_address() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    subscribers.on_message_from(PHONE_REPLY, 0.0)
    assert subscribers.addresses == (PHONE_REPLY,)


def test_without_a_reply_port_only_the_senders_port_gets_updates() -> None:
    subscribers = OscSubscribers(NAMES, None)
    subscribers.on_message_from(PHONE, 0.0)
    assert subscribers.addresses == (PHONE,)


def test_all_apps_get_a_change_and_those_with_the_same_updates_are_grouped() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    for app in (PHONE, TABLET):
        subscribers.on_message_from(app, 0.0)
    subscribers.take_due(0.0)
    subscribers.add_update("tempo")
    assert subscribers.take_due(0.0) == {("tempo",): [PHONE, PHONE_REPLY, TABLET, TABLET_REPLY]}


def test_the_app_that_moved_a_control_gets_no_echo_at_either_port_and_others_get_the_change() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    for app in (PHONE, TABLET):
        subscribers.on_message_from(app, 0.0)
    subscribers.take_due(0.0)
    subscribers.add_update("tempo")
    subscribers.hold_back(PHONE, "tempo", 0.0)
    assert set(due_by_address(subscribers, 0.1)) == {TABLET, TABLET_REPLY}
    assert set(due_by_address(subscribers, 0.2)) == {PHONE, PHONE_REPLY}


def test_only_the_app_that_requests_it_gets_all_values_again() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    for app in (PHONE, TABLET):
        subscribers.on_message_from(app, 0.0)
    subscribers.take_due(0.0)
    subscribers.resend_all(TABLET)
    assert due_by_address(subscribers, 0.0) == {TABLET: NAMES, TABLET_REPLY: NAMES}


def test_an_app_that_was_silent_for_long_is_dropped_and_later_starts_as_a_new_one() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    subscribers.on_message_from(PHONE, 0.0)
    subscribers.on_message_from(TABLET, 10.0)
    subscribers.take_due(EXPIRES_AFTER_S + 1.0)
    assert subscribers.addresses == (TABLET, TABLET_REPLY)
    subscribers.on_message_from(PHONE, EXPIRES_AFTER_S + 2.0)
    assert due_by_address(subscribers, EXPIRES_AFTER_S + 2.0) == {PHONE: NAMES, PHONE_REPLY: NAMES}


def test_a_script_that_sends_from_many_ports_displaces_no_other_host() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    subscribers.on_message_from(PHONE, 0.0)
    for port in range(20_000, 20_100):
        subscribers.on_message_from((TABLET[0], port), 1.0)
    addresses = subscribers.addresses
    assert addresses[:2] == (PHONE, PHONE_REPLY)
    assert len(addresses) == 2 + DESTINATIONS_PER_HOST
    assert TABLET_REPLY in addresses
    assert (TABLET[0], 20_099) in addresses


def test_the_number_of_hosts_is_limited() -> None:
    subscribers = OscSubscribers(NAMES, REPLY_PORT)
    for number in range(200):
        subscribers.on_message_from((f"10.0.0.{number}", 9001), 0.0)
    assert len(subscribers.addresses) == 2 * MAX_HOSTS

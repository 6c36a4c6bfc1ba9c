import pytest

from server.panel.web.access import (
    ADDRESSES_KEPT,
    ALPHABET,
    ATTEMPTS_PER_S,
    TOKEN_GROUP_LENGTH,
    TOKEN_GROUPS,
    AccessControl,
)

NAMES = ("stage-laptop", "stage-laptop.local")


@pytest.mark.parametrize("host", ["127.0.0.1:4444", "localhost:4444", "LOCALHOST", "[::1]:4444", "127.0.0.1"])
def test_the_names_of_this_machine_are_accepted(host: str) -> None:
    access = AccessControl(lan=False)
    assert access.is_own_host(host)
    assert access.is_own_page(host, f"http://{host}")


@pytest.mark.parametrize(
    "host",
    ["evil.example:4444", "192.168.1.5:4444", "stage-laptop:4444", "localhost.evil.example", "", None, "[::1", "@", ":4444"],
)  # fmt: skip
def test_any_other_host_is_refused(host: str | None) -> None:
    access = AccessControl(lan=False, names=NAMES)
    assert not access.is_own_host(host)
    assert not access.is_own_page(host, f"http://{host}")


@pytest.mark.parametrize("host", ["192.168.1.5:4444", "stage-laptop:4444", "stage-laptop.local:4444", "localhost:4444"])
def test_in_a_network_ip_addresses_and_its_own_names_are_accepted_too(host: str) -> None:
    assert AccessControl(lan=True, names=NAMES).is_own_host(host)


def test_in_a_network_another_name_is_refused() -> None:
    assert not AccessControl(lan=True, names=NAMES).is_own_host("evil.example:4444")


@pytest.mark.parametrize(
    "origin", [None, "", "null", "http://evil.example", "http://127.0.0.1:8080", "https://127.0.0.1:4444", "http://127.0.0.1"]
)  # fmt: skip
def test_a_request_from_another_page_is_refused(origin: str | None) -> None:
    assert not AccessControl(lan=False).is_own_page("127.0.0.1:4444", origin)


def test_without_a_network_no_token_is_needed() -> None:
    access = AccessControl(lan=False)
    assert access.token == ""
    assert access.has_access(None)


class TestToken:
    def test_is_new_each_time_and_easy_to_type(self) -> None:
        tokens = {AccessControl(lan=True).token for _ in range(20)}
        assert len(tokens) == 20
        for token in tokens:
            groups = token.split("-")
            assert [len(group) for group in groups] == [TOKEN_GROUP_LENGTH] * TOKEN_GROUPS
            assert set("".join(groups)) <= set(ALPHABET)

    def test_is_exchanged_for_a_session_key_however_it_is_typed(self) -> None:
        access = AccessControl(lan=True)
        session_key = access.exchange_token(f" {access.token.upper().replace('-', ' ')} ", "192.168.1.5", 0.0)
        assert session_key is not None
        assert access.has_access(session_key)

    @pytest.mark.parametrize("session_key", [None, "", "x", "ü"])
    def test_without_the_session_key_there_is_no_access(self, session_key: str | None) -> None:
        access = AccessControl(lan=True)
        assert not access.has_access(session_key)
        assert not access.has_access(access.token)
        assert access.exchange_token(session_key or "", "192.168.1.5", 0.0) is None

    def test_cannot_be_guessed_quickly(self) -> None:
        access = AccessControl(lan=True)
        for _ in range(int(ATTEMPTS_PER_S)):
            assert access.exchange_token("wrong", "192.168.1.5", 0.0) is None
        assert access.exchange_token(access.token, "192.168.1.5", 0.0) is None
        assert access.exchange_token(access.token, "192.168.1.5", 1.0) is not None

    def test_an_address_that_guesses_tokens_limits_no_other_address(self) -> None:
        access = AccessControl(lan=True)
        for number in range(1000):
            access.exchange_token("wrong", "192.168.1.66", number / 1000)
        assert access.exchange_token(access.token, "192.168.1.66", 1.0) is None
        assert access.exchange_token(access.token, "192.168.1.5", 1.0) is not None

    def test_any_number_of_addresses_takes_limited_memory(self) -> None:
        access = AccessControl(lan=True)
        for number in range(3 * ADDRESSES_KEPT):
            access.exchange_token("wrong", str(number), 0.0)
        assert len(access._attempts) == ADDRESSES_KEPT

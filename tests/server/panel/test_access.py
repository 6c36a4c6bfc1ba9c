import pytest

from server.panel.access import GROUP_LENGTH, GROUPS, LETTERS, TRIES_PER_S, AccessControl

NAMES = ("stage-laptop", "stage-laptop.local")


@pytest.mark.parametrize("host", ["127.0.0.1:4444", "localhost:4444", "LOCALHOST", "[::1]:4444", "127.0.0.1"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    gate = AccessControl(lan=False)
    assert gate.knows_host(host)
    assert gate.is_own_page(host, f"http://{host}")


@pytest.mark.parametrize(
    "host",
    ["evil.example:4444", "192.168.1.5:4444", "stage-laptop:4444", "localhost.evil.example", "", None, "[::1", "@", ":4444"],
)  # fmt: skip
def test_any_other_host_is_somebody_elses_page_that_was_pointed_here(host: str | None) -> None:
    gate = AccessControl(lan=False, names=NAMES)
    assert not gate.knows_host(host)
    assert not gate.is_own_page(host, f"http://{host}")


@pytest.mark.parametrize("host", ["192.168.1.5:4444", "stage-laptop:4444", "stage-laptop.local:4444", "localhost:4444"])
def test_in_a_network_its_addresses_are_known_too(host: str) -> None:
    assert AccessControl(lan=True, names=NAMES).knows_host(host)


def test_but_no_name_that_is_not_its_own() -> None:
    assert not AccessControl(lan=True, names=NAMES).knows_host("evil.example:4444")


@pytest.mark.parametrize(
    "origin", [None, "", "null", "http://evil.example", "http://127.0.0.1:8080", "https://127.0.0.1:4444", "http://127.0.0.1"]
)  # fmt: skip
def test_a_request_of_another_page_is_none_of_ours(origin: str | None) -> None:
    assert not AccessControl(lan=False).is_own_page("127.0.0.1:4444", origin)


def test_on_this_machine_nobody_is_asked_for_a_token() -> None:
    gate = AccessControl(lan=False)
    assert gate.token == ""
    assert gate.has_access(None)


class TestTheToken:
    def test_is_new_each_time_and_easy_to_type(self) -> None:
        tokens = {AccessControl(lan=True).token for _ in range(20)}
        assert len(tokens) == 20
        for token in tokens:
            groups = token.split("-")
            assert [len(group) for group in groups] == [GROUP_LENGTH] * GROUPS
            assert set("".join(groups)) <= set(LETTERS)

    def test_buys_a_pass_however_it_is_typed(self) -> None:
        gate = AccessControl(lan=True)
        bought = gate.exchange_token(f" {gate.token.upper().replace('-', ' ')} ", 0.0)
        assert bought is not None
        assert gate.has_access(bought)

    @pytest.mark.parametrize("shown", [None, "", "x", "ü"])
    def test_without_the_pass_nobody_comes_in(self, shown: str | None) -> None:
        gate = AccessControl(lan=True)
        assert not gate.has_access(shown)
        assert not gate.has_access(gate.token)
        assert gate.exchange_token(shown or "", 0.0) is None

    def test_cannot_be_guessed_quickly(self) -> None:
        gate = AccessControl(lan=True)
        for _ in range(int(TRIES_PER_S)):
            assert gate.exchange_token("wrong", 0.0) is None
        assert gate.exchange_token(gate.token, 0.0) is None
        assert gate.exchange_token(gate.token, 1.0) is not None

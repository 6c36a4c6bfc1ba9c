import pytest

from bridge.errors import BadTrustedAddress
from bridge.osc.trusted_senders import TrustedSenders


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "::1"])
def test_this_machine_is_always_trusted(host: str) -> None:
    assert TrustedSenders().includes(host)


@pytest.mark.parametrize("host", ["192.168.1.20", "8.8.8.8", "localhost", ""])
def test_no_other_address_is_trusted_by_default(host: str) -> None:
    assert not TrustedSenders().includes(host)


@pytest.mark.parametrize(
    ("host", "included"),
    [("192.168.1.20", True), ("192.168.1.21", False), ("10.0.7.7", True), ("10.1.0.1", False), ("fe80::1", False)],
)
def test_addresses_and_networks_can_be_trusted(host: str, included: bool) -> None:  # noqa: FBT001  the expected answer
    assert TrustedSenders.read(["192.168.1.20", " 10.0.7.1/16 "]).includes(host) is included


@pytest.mark.parametrize("text", ["", "my phone", "192.168.1", "192.168.1.0/33"])
def test_a_bad_address_is_reported_with_an_example(text: str) -> None:
    with pytest.raises(BadTrustedAddress) as refusal:
        TrustedSenders.read([text])
    assert str(refusal.value) == (
        f'"{text}" is no address; one is written like 192.168.1.20, a network like 192.168.1.0/24'
    )

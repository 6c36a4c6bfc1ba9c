import pytest

from server.config.config import Config, OscSection, PanelSection
from server.doctor.network_checks import OPEN_PORTS, NetworkFacts, judge_bound, judge_network

OPEN = Config(panel=PanelSection(lan=True, port=4455), osc=OscSection(port=8001, trust=["192.168.1.20"]))


def test_a_port_that_is_taken_is_broken_with_the_sentence_of_the_part_that_wanted_it() -> None:
    assert judge_bound("OSC port", "127.0.0.1:8000", None)[0].state == "ok"
    (finding,) = judge_bound("OSC port", "127.0.0.1:8000", "OSC port 8000 is taken. Choose another.")
    assert (finding.state, finding.remedy) == ("broken", "OSC port 8000 is taken. Choose another.")


def test_the_port_of_a_jam_that_is_running_is_in_order() -> None:
    (finding,) = judge_bound("OSC port", "127.0.0.1:8000", "OSC port 8000 is taken.", is_of_jam=True)
    assert (finding.state, finding.remedy) == ("ok", "")
    assert "a jam that is running" in finding.what


def test_a_jam_for_this_machine_alone_needs_nothing_of_a_firewall() -> None:
    (finding,) = judge_network(NetworkFacts("192.168.1.7", ("ufw",)), Config())
    assert finding.state == "ok"


@pytest.mark.parametrize("firewall", OPEN_PORTS)
def test_each_firewall_that_is_on_gets_the_command_with_the_configured_ports(firewall: str) -> None:
    address, hint = judge_network(NetworkFacts("192.168.1.7", (firewall,)), OPEN)
    assert (address.state, hint.state) == ("ok", "warning")
    assert "http://192.168.1.7:4455" in address.what
    assert "192.168.1.20" in address.what
    assert firewall == "macOS" or ("4455" in hint.remedy and "8001" in hint.remedy)


@pytest.mark.parametrize(("host", "link"), [("192.168.1.9", "192.168.1.9:4444"), ("fd00::5", "[fd00::5]:4444")])
def test_phones_are_sent_to_the_address_that_the_panel_listens_on(host: str, link: str) -> None:
    (finding,) = judge_network(NetworkFacts("192.168.1.7"), Config(panel=PanelSection(lan=True, host=host)))
    assert f"phones open http://{link};" in finding.what


def test_a_machine_in_no_network_is_told_that_lan_opens_nothing() -> None:
    (finding,) = judge_network(NetworkFacts(None), OPEN)
    assert finding.state == "warning"

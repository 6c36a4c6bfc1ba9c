"""Judges the network: the ports of OSC and the panel, and what `--lan` needs of a firewall. Binds nothing."""

from dataclasses import dataclass

from server.config.config import Config, host_and_port, is_every_address
from server.doctor.finding import Finding
from server.session.start_lines import trust_text


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """`address` is this machine's in its network, or None; `firewalls` are the names of those that are switched on."""

    address: str | None
    firewalls: tuple[str, ...] = ()


OPEN_PORTS = {
    "ufw": "sudo ufw allow {panel}/tcp && sudo ufw allow {osc}/udp",
    "firewalld": "sudo firewall-cmd --add-port={panel}/tcp --add-port={osc}/udp",
    "Windows": 'netsh advfirewall firewall add rule name="Trading Fours" dir=in action=allow protocol=TCP localport={panel} '
    "(as administrator), and again with protocol=UDP localport={osc}",
    "macOS": "System Settings, Network, Firewall, Options: allow Python to take incoming connections",
}
"""By firewall, how to let in the panel's port and that of OSC."""


def judge_bound(name: str, address: str, error: str | None, *, is_of_jam: bool = False) -> list[Finding]:
    """Whether a port of ours is free, or that of a jam that is running; `error` is the sentence that says why it is not free."""
    if error is None:
        return [Finding("ok", f"{name} {address} is free")]
    if is_of_jam:
        return [
            Finding("ok", f"{name} {address} is that of a jam that is running; another jam needs a port of its own")
        ]
    return [Finding("broken", f"{name} {address} is not free", error)]


def judge_network(facts: NetworkFacts, config: Config) -> list[Finding]:
    """Whether phones and tablets reach the jam, where the configuration lets them."""
    if not config.panel.lan:
        return [Finding("ok", "only this machine reaches the jam; --lan opens it to phones and tablets")]
    if facts.address is None:
        return [Finding("warning", "this machine is in no network, so --lan opens nothing", "Join a network first.")]
    host = config.panel.bind_host
    address = host_and_port(facts.address if is_every_address(host) else host, config.panel.port)
    ports = {"panel": config.panel.port, "osc": config.osc.port}
    findings = [Finding("ok", f"phones open http://{address}; OSC is read from {trust_text(config.osc)}")]
    for firewall in facts.firewalls:
        remedy = f"If a phone does not reach it: {OPEN_PORTS[firewall].format(**ports)}."
        findings.append(Finding("warning", f"the firewall {firewall} is on, and may keep phones out", remedy))
    return findings

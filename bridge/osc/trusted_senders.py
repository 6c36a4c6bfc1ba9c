"""The senders whose packets are read: this machine, and the addresses and networks that the user trusts; knows no sockets."""

import ipaddress
from collections.abc import Iterable
from typing import Self

from bridge.errors import BadTrustedAddress, cut_short

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedSenders:
    """Trusted addresses such as 192.168.1.20, and networks such as 192.168.1.0/24."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    @classmethod
    def read(cls, texts: Iterable[str]) -> Self:
        """Parses addresses and networks. Raises BadTrustedAddress if a text is neither."""
        networks = []
        for text in texts:
            try:
                networks.append(ipaddress.ip_network(text.strip(), strict=False))
            except ValueError as error:
                raise BadTrustedAddress(
                    f'"{cut_short(text)}" is no address; one is written like 192.168.1.20, a network like 192.168.1.0/24'
                ) from error
        return cls(networks)

    def includes(self, host: str) -> bool:
        """Whether packets from `host`, a numeric address, are read; this machine's own always are."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or any(address in network for network in self._networks)

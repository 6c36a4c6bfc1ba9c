"""Who may come in: by the Host and the Origin of a request, and on a network by a token; knows no server and no socket.

A page of another site can send a browser here (DNS rebinding, cross-site requests), but cannot choose its Host and Origin.
"""

import hmac
import re
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from server.config.config import is_loopback
from server.panel.rate_limiter import RateLimiter

# Without those that look alike; thirty to the twelfth is 58 bits, and at ten tries a second a guess takes for ever.
LETTERS = "abcdefghjkmnpqrstuvwxyz2345679"
GROUPS, GROUP_LENGTH = 3, 4
TRIES_PER_S = 10.0


class AccessControl:
    """Of one jam; `names` are what this machine is called in the network, where it is open to that."""

    def __init__(self, *, lan: bool, names: tuple[str, ...] = (), now_s: float = 0.0) -> None:
        self._names = names if lan else ()
        self._lan = lan
        self._tries = RateLimiter(TRIES_PER_S, TRIES_PER_S, now_s)
        self._pass = secrets.token_urlsafe(32)
        self.token = _new_token() if lan else ""
        """What opens it; empty where nobody is asked."""

    def knows_host(self, host: str | None) -> bool:
        """Whether a request's Host is one of our own: this machine, and where it is open to the network, its addresses.

        An address in figures cannot be another site's name that was pointed here.
        """
        name = _name_of(host)
        if name is None:
            return False
        return is_loopback(name) or (self._lan and (_is_address(name) or name in self._names))

    def is_own_page(self, host: str | None, origin: str | None) -> bool:
        """Whether what asks is a page of ours; a browser tells, and what tells nothing is none."""
        return host is not None and origin == f"http://{host}" and self.knows_host(host)

    def has_access(self, shown_pass: str | None) -> bool:
        """Whether whoever shows this pass may come in."""
        return not self.token or (shown_pass is not None and _same(shown_pass, self._pass))

    def exchange_token(self, token: str, now_s: float) -> str | None:
        """The pass that a token buys; None where it is wrong, or where too many were tried."""
        if not self._tries.try_acquire(now_s):
            return None
        return self._pass if self.token and _same(_plain(token), _plain(self.token)) else None


def _new_token() -> str:
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


def _plain(token: str) -> str:
    """As it was meant, however it was typed."""
    return re.sub(r"[\s-]", "", token).lower()


def _same(shown: str, own: str) -> bool:
    # In a time that does not tell how much of it was right.
    return hmac.compare_digest(shown.encode(), own.encode())


def _name_of(host: str | None) -> str | None:
    """What a Host names, without its port."""
    try:
        return urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

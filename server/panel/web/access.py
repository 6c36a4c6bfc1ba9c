"""Access to the panel: a check of a request's Host and Origin, and a token for other machines. It knows no server.

A page of another site can make a browser send requests here (DNS rebinding, cross-site requests), but it cannot choose
the Host and Origin that the browser sends.
"""

import hmac
import re
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from server.config.config import is_loopback
from server.panel.web.rate_limiter import RateLimiter

# Without letters and digits that look alike. 30 of them to the power of 12 are 58 bits, far too many to guess at ten
# attempts a second from each of a thousand addresses.
ALPHABET = "abcdefghjkmnpqrstuvwxyz2345679"
TOKEN_GROUPS, TOKEN_GROUP_LENGTH = 3, 4
ATTEMPTS_PER_S = 10.0
"""For one address, so that someone who guesses tokens locks out nobody else."""
ADDRESSES_KEPT = 1024


class AccessControl:
    """The access to one jam's panel.

    `lan` is whether it is open to the network; `names` are the names of this machine there. Without `lan` only this
    machine has access, and needs no token.
    """

    def __init__(self, *, lan: bool, names: tuple[str, ...] = ()) -> None:
        self._lan = lan
        self._names = names if lan else ()
        self._attempts: dict[str, RateLimiter] = {}  # by address, the one that tried last at the end
        self._session_key = secrets.token_urlsafe(32)
        self.token = _new_token() if lan else ""
        """What a person types to get access; empty where no token is needed."""

    def is_own_host(self, host: str | None) -> bool:
        """Whether a request's Host header names this machine; with `lan`, any of its names and every IP address.

        An IP address is safe to accept: DNS rebinding needs a name that another site owns.
        """
        name = _host_name(host)
        if name is None:
            return False
        return is_loopback(name) or (self._lan and (_is_ip_address(name) or name in self._names))

    def is_own_page(self, host: str | None, origin: str | None) -> bool:
        """Whether a request, with these headers, comes from a page of this panel; a request without Origin does not."""
        return host is not None and origin == f"http://{host}" and self.is_own_host(host)

    def has_access(self, session_key: str | None) -> bool:
        """Whether a request with this session key, from its cookie, has access."""
        return not self.token or (session_key is not None and _equals_in_constant_time(session_key, self._session_key))

    def exchange_token(self, token: str, address: str, now_s: float) -> str | None:
        """The session key for a token; None where the token is wrong, or where its address has tried too many lately."""
        attempts = self._attempts.pop(address, None) or RateLimiter(ATTEMPTS_PER_S, ATTEMPTS_PER_S, now_s)
        self._attempts[address] = attempts
        if len(self._attempts) > ADDRESSES_KEPT:
            del self._attempts[next(iter(self._attempts))]
        if not attempts.try_acquire(now_s):
            return None
        is_right = bool(self.token) and _equals_in_constant_time(_normalised(token), _normalised(self.token))
        return self._session_key if is_right else None


def _new_token() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(TOKEN_GROUP_LENGTH)) for _ in range(TOKEN_GROUPS))
    return "-".join(groups)


def _normalised(token: str) -> str:
    """The token without what people type differently: spaces, hyphens and capitals."""
    return re.sub(r"[\s-]", "", token).lower()


def _equals_in_constant_time(given: str, expected: str) -> bool:
    # A comparison that stops at the first difference would show how much of a guess was right.
    return hmac.compare_digest(given.encode(), expected.encode())


def _host_name(host: str | None) -> str | None:
    """The name or address in a Host header, without the port; None where there is none."""
    try:
        return urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return None


def _is_ip_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

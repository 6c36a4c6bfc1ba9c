"""The panel's address for people: this machine's address and names, and a QR code. It knows no server."""

import io
import socket

# An address that no network has (RFC 5737, TEST-NET-1), and any port. Connecting a UDP socket to it sends nothing, but
# makes the system choose the local address that it would send from.
UNUSED_ADDRESS = ("192.0.2.1", 9)
QUIET_ZONE = 2


def network_address() -> str | None:
    """This machine's IPv4 address in its network; None where it is in no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(UNUSED_ADDRESS)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def network_names() -> tuple[str, ...]:
    """The names of this machine in its network: its host name, and its mDNS name, which ends in `.local`."""
    name = socket.gethostname().lower()
    return (name, f"{name.partition('.')[0]}.local")


def qr_code(text: str) -> list[str]:
    """A QR code of a text, as lines for a terminal; each line holds two rows of the code."""
    import segno

    drawing = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out=drawing, border=QUIET_ZONE, compact=True)
    return drawing.getvalue().splitlines()

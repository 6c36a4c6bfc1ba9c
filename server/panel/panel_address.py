"""How a person finds the panel: its addresses, and for a phone the same as a QR code; knows no server."""

import io
import socket

# A network that nobody has (RFC 5737): to be connected to it by UDP sends nothing, and tells which address would be used.
NOWHERE = ("192.0.2.1", 9)
QUIET_ZONE = 2


def network_address() -> str | None:
    """This machine's address in its network; None where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def network_names() -> tuple[str, ...]:
    """What this machine is called in its network."""
    name = socket.gethostname().lower()
    return (name, f"{name.partition('.')[0]}.local")


def qr_code(text: str) -> list[str]:
    """A text as the lines of a QR code, two rows of it in each."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out=drawn, border=QUIET_ZONE, compact=True)
    return drawn.getvalue().splitlines()

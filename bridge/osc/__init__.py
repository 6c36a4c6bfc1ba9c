"""OSC over UDP: the packets, the server, the senders that it trusts, and how apps discover it."""

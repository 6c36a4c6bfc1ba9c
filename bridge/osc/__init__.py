"""OSC over UDP: packets, the server, who is trusted, and how apps find it."""

"""Music in real time: the music thread, the conductor that keeps time, the ledger of sounding notes, the feed of events."""

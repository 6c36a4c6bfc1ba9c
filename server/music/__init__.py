"""Music in real time: the music thread, the conductor that keeps time, the ledger of notes, the feed of events."""

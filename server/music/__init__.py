"""Music in real time: the music thread, who keeps the time, the ledger of sounding notes, the feed of events."""

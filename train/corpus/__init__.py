"""The music of a training: reads MIDI files once, caches them, and turns them into batches of tokens; knows no network."""

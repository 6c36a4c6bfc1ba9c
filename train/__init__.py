"""Builds packs from MIDI files: corpus, dataset, trainer, evaluation; none of it is used in a jam."""

"""Builds packs from MIDI files: corpus, dataset, trainer, evaluation; nothing of it runs while a jam does."""

"""What other things do to the music: packs that are switched, pages that work, a JACK server that is lost."""

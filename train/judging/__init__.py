"""What a pack is worth: bits per note, what it plays beside real music, and how much of it is copied."""

"""Everything that was played, kept on disk: journals, the library that holds them, and the way from a journal to a song."""

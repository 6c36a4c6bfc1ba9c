"""Everything that was played, kept on disk: journals, their library, and how one becomes a song."""

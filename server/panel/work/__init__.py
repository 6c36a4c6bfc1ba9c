"""The panel's heavy work in a process of its own: takes as files, lists of takes, seeds. The music never waits for it."""

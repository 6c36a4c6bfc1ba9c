"""Benchmarks: each module answers one question, as a ratio to a named alternative that is measured in the same run."""

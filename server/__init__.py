"""The long-running process and the command line. Each folder is one room; import-linter checks their order (`pyproject.toml`)."""

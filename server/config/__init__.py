"""The configuration: `config.toml` read, checked, and edited line by line."""

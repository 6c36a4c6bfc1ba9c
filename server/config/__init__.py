"""The configuration: `config.toml` is loaded, validated, and edited line by line."""

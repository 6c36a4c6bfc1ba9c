"""How the panel is served: files, limits for connections, and who has access."""

"""The long-running process and the command line: controls, config, the jam, the player, export."""

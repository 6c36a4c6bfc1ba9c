"""Control surfaces for touch screens: one layout, written in the file format of each app."""

"""Control surfaces for touch screens: one layout, written for each app."""

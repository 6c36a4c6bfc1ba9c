"""The panel: a web page, served on this machine, that shows, controls and plays the jam. The jam does not know it."""

"""The panel: a page to see, steer and play the jam on, served on this machine; the jam itself knows nothing of it."""

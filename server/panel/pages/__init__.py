"""The pages that are open: their connections, the messages that they send, and the jam as they are shown it."""

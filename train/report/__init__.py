"""A comparison as one HTML page that can be looked at, listened to and printed."""

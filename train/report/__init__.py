"""A comparison as one HTML page, to look at, to listen to and to print."""

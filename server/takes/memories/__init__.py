"""What jams remember: written as it is heard, recovered after a crash, and taken from one jam to the next."""

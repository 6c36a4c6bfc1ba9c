"""`fours doctor`: looks at everything that a jam needs on this machine, and says what to do about what is wrong."""

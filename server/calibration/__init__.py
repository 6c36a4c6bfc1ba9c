"""`fours calibrate`: measures how late the partner's notes come back, or are heard, and keeps the offset that makes up for it."""

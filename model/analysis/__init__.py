"""Music analysis: the key, the scale, the pulse, and which track is the lead."""

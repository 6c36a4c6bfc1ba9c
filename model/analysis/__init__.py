"""What is found in music that is heard or read: key, scale, pulse, and which track is the lead."""

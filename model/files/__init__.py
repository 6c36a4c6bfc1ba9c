"""Music in files: `.mid` files read and written, and pictures of them."""

"""Music in files: reads and writes `.mid` files, and draws piano rolls."""

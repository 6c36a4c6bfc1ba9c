"""For each DAW the files that it takes, made from the names of ports and the table of controls."""

"""How charts are written: text, ChordPro and links of iReal Pro, and their repeats as they are played; opens no file."""

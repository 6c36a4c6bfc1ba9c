"""The journal of a jam: what happened, as lines that can each be checked alone, and the file that they are in.

Each line is one record: a CRC-32 in hexadecimal, a space, and a JSON array, which the CRC covers and whose first item
names the kind of record. Only an undamaged line counts. If a journal was cut off, or a byte in it was flipped, every
other record can still be read. Seconds are counted from the start of the journal; beats are the beats of the jam.
"""

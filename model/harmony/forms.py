"""The forms that come with the program: progressions that nobody owns, as text charts, each in a usual key."""

from collections.abc import Mapping

_TWO_FIVE_ONE_ROOTS = ("C", "Bb", "Ab", "F#", "E", "D", "B", "A", "G", "F", "Eb", "Db")


def _two_five_ones() -> str:
    """ii-V-I in all twelve keys: first down by whole tones from C, then from B."""
    from model.analysis.scale import parse_key
    from model.harmony.chord import note_name

    lines = []
    for root in _TWO_FIVE_ONE_ROOTS:
        tonic = parse_key(root).tonic
        sharps = "#" in root or root in {"E", "D", "B", "A", "G"}
        two, five = note_name(tonic + 2, sharps=sharps), note_name(tonic + 7, sharps=sharps)
        lines.append(f"| {two}m7 | {five}7 | {root}maj7 | % |")
    return "\n".join(lines)


FORMS: Mapping[str, str] = {
    "blues": """
        Title: Blues in F
        Key: F
        | F7 | Bb7 | F7 | % |
        | Bb7 | % | F7 | % |
        | C7 | Bb7 | F7 | C7 |""",
    "minor blues": """
        Title: Minor blues in C
        Key: C minor
        | Cm7 | Fm7 | Cm7 | % |
        | Fm7 | % | Cm7 | % |
        | Ab7 | G7 | Cm7 | G7 |""",
    "jazz blues": """
        Title: Jazz blues in F
        Key: F
        | F7 | Bb7 | F7 | Cm7 F7 |
        | Bb7 | Bdim7 | F7 | Am7b5 D7b9 |
        | Gm7 | C7 | F7 D7 | Gm7 C7 |""",
    "rhythm changes": """
        Title: Rhythm changes, A section, in Bb
        Key: Bb
        | Bbmaj7 G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 |
        | Fm7 Bb7 | Ebmaj7 Edim7 | Dm7 G7 | Cm7 F7 |""",
    "turnaround": """
        Title: I-vi-ii-V in C
        Key: C
        | Cmaj7 | Am7 | Dm7 | G7 |""",
    "ii-V-I": """
        Title: ii-V-I in C
        Key: C
        | Dm7 | G7 | Cmaj7 | % |""",
    "ii-V-I in all keys": "Title: ii-V-I in all keys\nKey: C\n" + _two_five_ones(),
    "minor ii-V-i": """
        Title: Minor ii-V-i in C
        Key: C minor
        | Dm7b5 | G7b9 | Cm6 | % |""",
    "doo-wop": """
        Title: Doo-wop in C
        Key: C
        | C | Am | F | G |""",
    "pop": """
        Title: I-V-vi-IV in C
        Key: C
        | C | G | Am | F |""",
    "folk": """
        Title: Folk song, I-IV-V, in G
        Key: G
        | G | % | C | G |
        | G | % | D7 | % |
        | G | % | C | G |
        | D7 | C | G | D7 |""",
    "waltz": """
        Title: Waltz in C
        Key: C
        Meter: 3/4
        | C | % | G7 | % |
        | Dm7 | G7 | C | % |
        | C7 | % | F | % |
        | Dm7 | G7 | C | G7 |""",
    "andalusian": """
        Title: Andalusian cadence in A minor
        Key: A minor
        | Am | G | F | E |""",
    "modal vamp": """
        Title: Modal vamp in D dorian
        Key: D dorian
        | Dm7 | Em7 | Dm7 | Em7 |
        | Dm7 | % | % | % |""",
    "bossa": """
        Title: Bossa in A minor
        Key: A minor
        | Am7 | % | Bm7b5 | E7b9 |
        | Am7 | A7 | Dm7 | G7 |
        | Cmaj7 | Fmaj7 | Bm7b5 | E7b9 |
        | Am7 | F7 E7 | Am7 | E7 |""",
}
"""Each form by its name, as a text for `text_chart`."""

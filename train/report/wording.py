"""Words for numbers, as they stand in a sentence."""


def counted(count: int, thing: str) -> str:
    """`1 file`, `2 files`, `1,234 files`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"

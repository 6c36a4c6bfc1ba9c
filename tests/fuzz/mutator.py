"""Makes hostile inputs: valid bytes with bits flipped, parts cut, doubled or spliced, or unexpected values put in."""

from collections.abc import Sequence
from random import Random

TEXTS = (
    b"NaN", b"-Infinity", b"1e999", b"-1e999", b"1e308", b"-0", b"null", b"true", b"{}", b"[]", b'""', b"9" * 400,
    b"0x" + b"f" * 5000, b"-1", b"128", b"256", b"65536", b"4294967296", b"1e-300", b"..", b"a" * 300, b"\\u0000",
    b"\\ud800", b"[" * 2000, b"2026-02-30", b"inf", b"nan", "é𝄞".encode(), b"\xff\xfe",
)  # fmt: skip
"""Values that readers of numbers and texts tend to accept without a check."""
EDGES = (0x00, 0x01, 0x2F, 0x3F, 0x40, 0x7F, 0x80, 0x90, 0xB0, 0xF0, 0xF7, 0xFE, 0xFF)
NUMBER_BYTES = frozenset(b"0123456789.+-eE")
MOST_BYTES = 4096


class Mutator:
    """Makes inputs from those of a corpus; the same random seed gives the same inputs."""

    def __init__(self, corpus: Sequence[bytes], random_seed: int) -> None:
        self._corpus = list(corpus)
        self.random = Random(random_seed)

    def next_input(self) -> bytes:
        """Returns another input, in most cases close to one of the corpus."""
        random = self.random
        data = bytearray(random.choice(self._corpus))
        for _ in range(1 + int(random.expovariate(0.7))):
            data = self._mutated(data)
        return bytes(data[:MOST_BYTES])

    def _mutated(self, data: bytearray) -> bytearray:
        random = self.random
        place = random.randrange(len(data) + 1)
        match random.randrange(9):
            case 0 if data:
                data[place - 1] ^= 1 << random.randrange(8)
            case 1 if data:
                data[place - 1] = random.choice(EDGES)
            case 2:
                del data[place : place + random.randrange(1, 9)]
            case 3:
                data[place:place] = random.randbytes(random.randrange(1, 9))
            case 4:
                data[place:place] = data[place : place + random.randrange(1, 65)] * random.randrange(1, 4)
            case 5:
                other = random.choice(self._corpus)
                start = random.randrange(len(other) + 1)
                data[place:] = other[start:]
            case 6:
                data = data[:place]
            case 7:
                data[place:place] = random.choice(TEXTS)
            case _:
                self._replace_number(data, place)
        return data

    def _replace_number(self, data: bytearray, place: int) -> None:
        """Replaces the next number that is written in digits."""
        start = next((at for at in range(place, len(data)) if data[at] in NUMBER_BYTES), len(data))
        end = next((at for at in range(start, len(data)) if data[at] not in NUMBER_BYTES), len(data))
        data[start:end] = self.random.choice(TEXTS)

"""Sets how the C library keeps memory that was freed, so that a jam for an evening does not grow.

Each load of a pack takes and frees blocks of megabytes. glibc learns from the first of them that large blocks are common, and
from then on takes them from its heaps, where what is freed stays with the process: some 50 MB after a few packs.
"""

import ctypes
from contextlib import suppress

LARGE_BLOCK_BYTES = 512 * 1024
"""A block as large as this has pages of its own, which go back to the system when it is freed. The music takes none so large."""
_M_MMAP_THRESHOLD = -3  # of malloc.h


def return_large_blocks() -> None:
    """From now on large blocks go back to the system as soon as they are freed. Does nothing where the C library is another."""
    with suppress(
        OSError, AttributeError, TypeError
    ):  # macOS and musl have no such setting, and Windows no such library
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)

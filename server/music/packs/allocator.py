"""Sets how the C library keeps memory that was freed, so that a jam for an evening does not grow.

Each load of a pack takes and frees blocks of megabytes. glibc learns from the first of them that large blocks are common, and
from then on takes them from its heaps, where what is freed stays with the process: some 50 MB after a few packs.
"""

import ctypes
from contextlib import suppress

LARGE_BLOCK_BYTES = 512 * 1024
"""A block as large as this has pages of its own, which go back to the system when it is freed. The music takes none so large."""
KEPT_BYTES = 128 * 1024
"""How much free memory a heap keeps at its end: glibc's own value, which large blocks that were freed before have raised."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def return_large_blocks() -> None:
    """Returns the memory that is free now to the system, and later on each large block as soon as it is freed.

    Does nothing where the C library is another: macOS and musl have no such settings, and Windows no such library.
    """
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        library.malloc_trim(0)

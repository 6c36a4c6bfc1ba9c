"""Sets how the C library keeps memory that was freed: all of it during the start, and little afterwards, so that a jam for an evening does not grow.

Each load of a pack takes and frees blocks of megabytes. glibc learns from the first of them that large blocks are common, and
from then on takes them from its heaps, where what is freed stays with the process: some 50 MB after a few packs.
"""

import ctypes
from contextlib import suppress

LARGE_BLOCK_BYTES = 512 * 1024
"""A block as large as this has pages of its own, which go back to the system when it is freed. The music takes none so large."""
KEPT_BYTES = 128 * 1024
"""How much free memory a heap keeps at its end: glibc's own value, which large blocks that were freed before have raised."""
STARTING_LARGE_BLOCK_BYTES, STARTING_KEPT_BYTES = 32 << 20, 64 << 20
"""The same during the start: glibc's largest number, and more than the pages of a pack's two networks."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def keep_large_blocks() -> None:
    """Keeps each block that is freed for the next one, until `return_large_blocks` is called. Elsewhere than on glibc it does nothing.

    While the first pack is loaded, blocks of megabytes are freed and taken again and again. With new pages each time that takes 5 ms longer.
    """
    _set_thresholds(STARTING_LARGE_BLOCK_BYTES, STARTING_KEPT_BYTES)


def return_large_blocks() -> None:
    """Returns the memory that is free now to the system, and later on each large block as soon as it is freed.

    Does nothing where the C library is another: macOS and musl have no such settings, and Windows no such library.
    """
    _set_thresholds(LARGE_BLOCK_BYTES, KEPT_BYTES)
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _set_thresholds(large_block_bytes: int, kept_bytes: int) -> None:
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, large_block_bytes)
        library.mallopt(_M_TRIM_THRESHOLD, kept_bytes)

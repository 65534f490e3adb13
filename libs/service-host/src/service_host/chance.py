"""Random bytes of the kernel for keys, ids and nonces, fetched by the block.

To ask the kernel for each of them alone costs as much as an encryption. No byte is given twice, and what a
process has in store its children never see.
"""

import os
from typing import Final

BLOCK_BYTES: Final = 4_096


class Chance:
    """A store of random bytes."""

    def __init__(self) -> None:
        self._store = b""
        self._used = 0
        os.register_at_fork(after_in_child=self._empty)

    def take(self, count: int) -> bytes:
        """So many bytes, never given before; at most a block."""
        begin, end = self._used, self._used + count
        if end > len(self._store):
            self._store = os.urandom(BLOCK_BYTES)
            begin, end = 0, count
        self._used = end
        return self._store[begin:end]

    def _empty(self) -> None:
        self._store, self._used = b"", 0


random_bytes: Final = Chance().take

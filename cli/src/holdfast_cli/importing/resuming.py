"""How far an interrupted import was acknowledged, kept in a file until the import is whole.

The mark belongs to the bytes of the file and to everything that decides what is made of them; it is gone once the
import is whole, so that importing a file again tells everything again (and adds nothing). A mark is a hint: who goes
on from one first makes sure that what stands just before it is still in the log, since a log may have been restored.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 20


class Mark:
    """The mark of one import; without a folder it remembers nothing."""

    def __init__(self, folder: Path | None, path: Path, made_of: str) -> None:
        """Name the mark by the file's content and by `made_of`: format, tenant, source, zone."""
        self._file = folder / f"{_digest(path, made_of)}.json" if folder else None

    def read(self) -> int:
        """Return how many tellings were acknowledged before the interruption; 0 if none or unknown."""
        if self._file is None:
            return 0
        try:
            tellings = json.loads(self._file.read_text())["tellings"]
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        return tellings if isinstance(tellings, int) and tellings > 0 else 0

    def write(self, tellings: int) -> None:
        """Remember that the first `tellings` are acknowledged; whole or not at all."""
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps({"tellings": tellings}))
        fresh.replace(self._file)

    def remove(self) -> None:
        """Forget: the import is whole."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def _digest(path: Path, made_of: str) -> str:
    digest = hashlib.sha256(made_of.encode())
    try:
        with path.open("rb") as file:
            for block in iter(lambda: file.read(_BLOCK), b""):
                digest.update(block)
    except OSError:
        return "unreadable"  # reading the lines says so in its own words
    return digest.hexdigest()[:32]

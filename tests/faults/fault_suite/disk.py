"""A disk small enough to be filled: a tmpfs in a mount namespace of our own, where the machine lets us have one."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

WHOLE_BYTES: Final = 2_000_000_000
SPARE_BYTES: Final = 65_536
"""What is left on a full disk: less than a table needs to grow."""
PAGE_BYTES: Final = 4096
COMMAND_SECONDS: Final = 10
INSIDE: Final = "HOLDFAST_FAULTS_INSIDE"
"""Set in the environment of a process that has a mount namespace of its own."""


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted disk; it vanishes with the last process of the namespace."""

    folder: Path

    @classmethod
    def mounted(cls, folder: Path) -> Self | None:
        """Mount one, or return None where that is not allowed."""
        folder.mkdir(parents=True)
        if INSIDE not in os.environ or not _run("mount", "-t", "tmpfs", "-o", "mode=0711", "tmpfs", str(folder)):
            return None
        disk = cls(folder)
        disk.widen()
        return disk

    def fill(self) -> None:
        """Leave hardly any room."""
        used = shutil.disk_usage(self.folder).used
        self._resize((used + SPARE_BYTES) // PAGE_BYTES * PAGE_BYTES)

    def widen(self) -> None:
        """Give room again."""
        self._resize(WHOLE_BYTES)

    def _resize(self, size: int) -> None:
        _run("mount", "-o", f"remount,size={size}", str(self.folder))


def with_own_mounts(command: list[str]) -> list[str]:
    """Return a command that runs another one in a mount namespace of its own, if the machine allows it; else itself."""
    as_root = ["unshare", "--mount"]
    as_anybody = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]
    unshare = as_root if os.geteuid() == 0 else as_anybody
    return [*unshare, *command] if _run(*unshare, sys.executable, "-c", "") else command


def _run(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=COMMAND_SECONDS, check=False)  # ours
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0

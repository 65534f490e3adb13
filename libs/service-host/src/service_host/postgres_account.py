"""Whom Postgres runs as. It refuses root, so root hands it to `nobody`; anybody else runs it as themselves.

Also what `nobody` then needs: a folder it owns, and a way to it. Root's home is usually closed to others, and so is
everything under it (a clone, its virtual environment, a data folder). There Postgres keeps one capability, to *read
and search* where permissions would forbid it; no permission of any folder is changed.
"""

import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

CAP_DAC_OVERRIDE = 1 << 1
CAP_DAC_READ_SEARCH = 1 << 2


class AccountError(Exception):
    """The world's: no account can run Postgres here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group to become (-1: stay), and the bits of the capabilities it keeps."""

    uid: int
    gid: int
    capabilities: int = 0

    def own(self, path: Path) -> None:
        """Give a file or folder to this account."""
        if self.uid >= 0:
            os.chown(path, self.uid, self.gid)


MYSELF = Account(uid=-1, gid=-1)


def choose(binaries: Path, data_dir: Path, cluster: Path) -> Account:
    """Return the account that runs the programs of ``binaries`` on the data of ``data_dir``.

    Root becomes the owner of a cluster that is there already, and `nobody` for a new one.
    """
    if os.geteuid() != 0:
        return MYSELF
    uid, gid = _owner(cluster) or _nobody()
    programs_open = _open_to_others(binaries / "postgres")
    if programs_open and _open_to_others(data_dir):
        return Account(uid, gid)
    wanted = CAP_DAC_READ_SEARCH if _executable(binaries / "postgres") else CAP_DAC_OVERRIDE
    return Account(uid, gid, _held(wanted, blocked=data_dir if programs_open else binaries))


def _owner(cluster: Path) -> tuple[int, int] | None:
    """Return who owns a cluster, if it is there and not root's (whose it cannot stay)."""
    if not cluster.exists() or cluster.stat().st_uid == 0:
        return None
    return cluster.stat().st_uid, cluster.stat().st_gid


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        message = "Postgres refuses to run as root, and this machine has no user `nobody`: start as an ordinary user"
        raise AccountError(message) from None
    return entry.pw_uid, entry.pw_gid


def _open_to_others(path: Path) -> bool:
    """Tell whether every folder on the way, and the end of it, can be entered by a stranger."""
    resolved = path.resolve()
    return all(_executable(step) for step in (resolved, *resolved.parents))


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXOTH)


def _held(wanted: int, blocked: Path) -> int:
    """Return the smallest capability we hold that opens the way: the wanted one, else the one that includes it."""
    permitted = _permitted()
    for capability in (wanted, CAP_DAC_OVERRIDE):
        if permitted & capability:
            return capability
    message = (
        f"Postgres refuses to run as root, and `nobody` cannot enter {blocked}: choose a folder whose parents others "
        "may enter (chmod o+x), or start as an ordinary user"
    )
    raise AccountError(message)


def _permitted() -> int:
    """Return the bits of the capabilities this process may use; none where the system has no such thing."""
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")), 0)

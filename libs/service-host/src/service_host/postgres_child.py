"""The few steps between fork and Postgres: give up root, promise to stop with the supervisor, become the program.

Run as a program by ``embedded_postgres`` and by nobody else; it replaces itself, so its process id is Postgres's own.
Nothing but the standard library may be imported here, and nothing of ours: it runs without site-packages.

Usage: ``python -I -S postgres_child.py PARENT_PID UID GID CAPABILITIES PROGRAM ARGUMENT…`` (UID -1: stay who we are).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _check(outcome: int, step: str) -> None:
    if outcome != 0:
        sys.exit(f"{step}: {os.strerror(ctypes.get_errno())}")


def become(uid: int, gid: int, capabilities: int) -> None:
    """Turn from root into another user, keeping only the capabilities of the given bits (0: none).

    Without the secure bit the kernel would take them away with the user, and leave them out of what ``access`` tells,
    which Postgres's programs ask about each other.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if capabilities:
        _check(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "keeping capabilities")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capabilities:
        sets = (_Sets * 2)()
        sets[0] = _Sets(capabilities, capabilities, capabilities)
        _check(libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets), "setting capabilities")
        for bit in range(32):
            if capabilities >> bit & 1:
                _check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0), "handing capabilities on")


def stop_with(parent: int) -> None:
    """Have the kernel send SIGINT (Postgres: stop fast) when the supervisor dies; leave at once if it already has.

    Comes after ``become``: a change of user forgets the promise.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        _check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0), "asking to stop with the supervisor")
    if os.getppid() != parent:
        sys.exit("the supervisor has gone")


def main() -> None:
    """Follow the command line and become the program it names."""
    parent, uid, gid, capabilities = map(int, sys.argv[1:5])
    if uid >= 0:
        become(uid, gid, capabilities)
    stop_with(parent)
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606  no shell is wanted, and the program is one of Postgres's own


if __name__ == "__main__":
    main()

"""The step between fork and broker: promise to end with the supervisor, become the program.

Run as a program by ``local_broker`` and by nobody else; it replaces itself, so its process id is the broker's own.
Nothing but the standard library may be imported here, and nothing of ours: it runs without site-packages.

Usage: ``python -I -S broker_child.py PARENT_PID PROGRAM ARGUMENT…``
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def stop_with(parent: int) -> None:
    """Have the kernel end the broker when the thread that started it dies; leave at once if it already has."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            sys.exit(f"asking to end with the supervisor: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the supervisor has gone")


def main() -> None:
    """Follow the command line and become the program it names."""
    stop_with(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  no shell is wanted, and the program is the one we were given


if __name__ == "__main__":
    main()

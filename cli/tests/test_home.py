"""A data folder says what runs on it, and only while it runs."""

import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest

from holdfast_cli.home import Addresses, AlreadyRunning, Home, NotRunning

SERVED = Addresses(call_events_grpc="127.0.0.1:7701", metrics_http="127.0.0.1:7712")
OWN = """
import os, sys
from pathlib import Path
from holdfast_cli.home import Addresses, Home
home = Home(Path(sys.argv[1]))
home.make()
with home.owned():
    home.announce(Addresses(call_events_grpc="127.0.0.1:7701"), "bank", "postgresql://x")
    os._exit(9)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a folder that was made."""
    made = Home(tmp_path / "data")
    made.make()
    return made


def test_nothing_runs_on_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="start it by `holdfast up --data "):
        Home(tmp_path / "nowhere").running()


def test_what_runs_is_found_with_a_token_of_its_tenant(home: Home) -> None:
    with home.owned():
        home.announce(SERVED, "bank", "postgresql://x")
        running = home.running()
    claims = jwt.decode(running.token, options={"verify_signature": False})
    assert (running.addresses, running.tenant, running.database_url) == (SERVED, "bank", "postgresql://x")
    assert (claims["tenant"], claims["sources"]) == ("bank", ["*"])


def test_nothing_runs_once_its_owner_has_ended(home: Home) -> None:
    with home.owned():
        home.announce(SERVED, "bank", "postgresql://x")
        home.withdraw()
        with pytest.raises(NotRunning):
            home.running()
    with pytest.raises(NotRunning):
        home.running()


def test_nothing_runs_once_its_owner_was_killed(home: Home) -> None:
    assert subprocess.run([sys.executable, "-c", OWN, str(home.path)], check=False).returncode == 9
    assert (home.path / "running.json").exists()
    with pytest.raises(NotRunning):
        home.running()


def test_a_folder_has_one_owner_at_a_time(home: Home) -> None:
    with home.owned():
        home.announce(SERVED, "bank", "postgresql://x")
        with pytest.raises(AlreadyRunning, match=r"runs on .* already"), Home(home.path).owned():
            pass


def test_an_owner_that_serves_no_more_is_waited_for(home: Home) -> None:
    ending, ended = threading.Event(), threading.Event()

    def end() -> None:
        with home.owned():
            ending.set()
            ended.wait(10)

    with ThreadPoolExecutor(1) as other:
        other.submit(end)
        ending.wait(10)
        threading.Timer(0.2, ended.set).start()
        with Home(home.path).owned():
            assert ended.is_set()


def test_an_owner_that_does_not_end_is_not_waited_for_long(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast_cli.home.OWNER_PATIENCE_SECONDS", 0.1)
    with home.owned(), pytest.raises(AlreadyRunning), Home(home.path).owned():
        pass


def test_only_its_owner_reads_what_opens_the_system(home: Home) -> None:
    with home.owned():
        home.announce(SERVED, "bank", "postgresql://x")
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (home.path / "running.json", home.keys)]
    assert modes == [0o600, 0o700]


def test_the_feeds_token_may_read_the_log_and_nothing_else(home: Home) -> None:
    claims = jwt.decode(home.keep_feed_token("bank").read_text(), options={"verify_signature": False})
    assert (claims["scope"], claims["roles"], claims["sources"]) == ("log:read", [], [])


def test_routings_token_may_tell_in_its_own_name_and_nothing_else(home: Home) -> None:
    token = home.keep_teller_token("bank") / "bank.token"
    claims = jwt.decode(token.read_text(), options={"verify_signature": False})
    assert (claims["scope"], claims["roles"], claims["sources"]) == ("events:write", [], ["ivr-routing"])

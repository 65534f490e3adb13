"""The system with its feed through Kafka, as a person starts it: a broker and a relay stand between the services."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast_testing import eventually_blocking
from system_testing import run, started

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def data() -> Iterator[Path]:
    """Give a folder that the database's own account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-kafka-up-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


def test_what_is_told_reaches_the_topic_and_the_facts_and_doctor_says_so(data: Path) -> None:
    with started(data, "--feed", "kafka") as system:
        assert system.ready["kafka"]
        told = system.json("generate", "--day", "2026-01-05", "--contacts", "20", "--send")
        events = int(told["events"])

        def arrived() -> bool:
            found = {one["what"]: one for one in system.json("doctor")["findings"]}
            assert all(one["good"] for one in found.values())
            assert found["topic"]["finding"] == "holds the whole log"
            assert found["lag"]["finding"] == f"facts at {events:,} of {events:,}"
            return True

        eventually_blocking(arrived, within=timedelta(seconds=60))
        assert system.terminate() == 0


def test_an_unknown_feed_is_refused_with_the_feeds_there_are(data: Path) -> None:
    refused = run(data, "up", "--feed", "pigeon")
    assert refused.returncode != 0
    assert "No feed is called pigeon: name grpc or kafka." in refused.stderr

"""A real broker: found on any machine, the same after a kill, gone with its parent, or a sentence on how to get one."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from event_log.kafka.broker import VARIABLE, found_broker
from event_log.kafka.errors import NoBroker
from event_log.kafka.jars import jars
from event_log.kafka.java import java
from event_log.kafka.local_broker import LocalBroker
from event_log.kafka.probe import cluster_id
from holdfast_testing import eventually_blocking

SUPERVISOR = """
import sys, pathlib
from event_log.kafka.local_broker import LocalBroker
with LocalBroker(pathlib.Path(sys.argv[1])) as broker:
    print(broker.pid, flush=True)
    sys.stdin.read()
"""


def test_the_broker_of_this_run_answers(kafka_bootstrap: str) -> None:
    assert cluster_id(kafka_bootstrap, 10_000)


def test_a_killed_broker_comes_back_at_the_same_place_and_ends_with_its_parent(tmp_path: Path) -> None:
    with LocalBroker(tmp_path) as broker:
        where, who = broker.bootstrap, cluster_id(broker.bootstrap, 10_000)
        broker.kill()
        assert not broker.running
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout
        pid = int(supervisor.stdout.readline())
        assert cluster_id(where, 10_000) == who
        supervisor.send_signal(signal.SIGKILL)
    eventually_blocking(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_broker_that_was_named_and_does_not_answer_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "127.0.0.1:1")
    monkeypatch.setattr("event_log.kafka.broker.GIVEN_ANSWER_MS", 200)
    with (
        pytest.raises(NoBroker, match=r"No Kafka broker answers at 127.0.0.1:1: correct KAFKA_BOOTSTRAP"),
        found_broker(tmp_path),
    ):
        pass


def test_a_machine_without_java_or_maven_says_how_to_get_a_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert java().name == "java"  # the one that the package carries
    monkeypatch.setattr("event_log.kafka.java.WHEEL", "no_such_package")
    with pytest.raises(
        NoBroker, match="KAFKA_BOOTSTRAP=host:port, start a container engine, or install Java and Maven"
    ):
        java()
    with pytest.raises(NoBroker, match="Maven is missing"):
        jars(tmp_path / "jars")

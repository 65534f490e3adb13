"""The folder that a local broker keeps: its settings, its data, its own words. Starts no process.

<path>/server.properties   written anew at each start
<path>/data                what the broker keeps
<path>/cluster             its cluster's id, made once
<path>/ports               where it last listened: kept while they are free, so that addresses survive a restart
<path>/broker.log          its own words
"""

import base64
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
LAST_WORDS_BYTES = 2000
CLUSTER_ID_BYTES = 16
LOG_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %m (%c)%n"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""
SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A broker that was killed is forgotten soon, so that it can register again.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # Small machines: few threads, no preparation for thousands of partitions.
    "num.network.threads": "2",
    "num.io.threads": "4",
}


class BrokerFolder:
    """The paths of one broker's folder."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is made yet."""
        self.path = path
        self.properties = path / "server.properties"
        self.data = path / "data"
        self.log = path / "broker.log"
        self.log_settings = path / "log4j2.xml"
        self._cluster = path / "cluster"
        self._ports = path / "ports"

    @property
    def formatted(self) -> bool:
        """Whether the broker's data were prepared before."""
        return (self.data / "meta.properties").exists()

    def prepare(self, ports: tuple[int, int], settings: Mapping[str, str]) -> None:
        """Write the settings of a broker on these ports (its own, its controller's)."""
        self.path.mkdir(parents=True, exist_ok=True)
        own, controller = ports
        listeners = f"PLAINTEXT://{HOST}:{own},CONTROLLER://{HOST}:{controller}"
        told = {
            **SETTINGS,
            "advertised.listeners": listeners,
            **settings,
            "log.dirs": str(self.data),
            "listeners": listeners,
            "controller.quorum.voters": f"1@{HOST}:{controller}",
        }
        self.properties.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
        self.log_settings.write_text(LOG_SETTINGS)

    def cluster_id(self) -> str:
        """Return the cluster's id: 22 characters, made the first time."""
        if not self._cluster.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            made = base64.urlsafe_b64encode(b"h" + os.urandom(CLUSTER_ID_BYTES - 1))  # never begins with a dash
            self._cluster.write_text(made.decode().rstrip("="))
        return self._cluster.read_text()

    def choose_ports(self) -> tuple[int, int]:
        """Return the ports of last time if both are free, else any two that are. Free now is not free for ever."""
        last = self._last_ports()
        if last and len(free := _free(last)) == len(last):
            return free[0], free[1]
        own, controller = _free((0, 0))
        return own, controller

    def remember_ports(self, ports: tuple[int, int]) -> None:
        """Keep the ports for the next start."""
        self._ports.write_text(" ".join(map(str, ports)))

    def open_log(self) -> IO[bytes]:
        """Open the log for the broker to append to."""
        return self.log.open("ab")

    def last_words(self) -> str:
        """Return the end of what the broker has said."""
        try:
            with self.log.open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                log.seek(max(0, end - LAST_WORDS_BYTES))
                return log.read().decode(errors="replace").strip()
        except OSError:
            return ""

    def _last_ports(self) -> tuple[int, ...]:
        try:
            return tuple(map(int, self._ports.read_text().split()))
        except (OSError, ValueError):
            return ()


def _free(wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Return those of the ports that are free now; 0 stands for any."""
    found, probes = [], []
    for port in wanted:
        probe = socket.socket()
        probes.append(probe)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            continue
        found.append(int(probe.getsockname()[1]))
    for probe in probes:
        probe.close()
    return tuple(found)

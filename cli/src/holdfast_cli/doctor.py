"""Looks at everything a running system needs, and says of each thing found wrong what to do about it."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path

import grpc
import httpx

from holdfast.log.v1.event_pb2 import Cursor
from holdfast.metrics.v1.metrics_service_pb2 import GetFactsStatusRequest, GetFactsStatusResponse
from holdfast.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from holdfast_cli import doctor_kafka, following, ports, system
from holdfast_cli.finding import Finding
from holdfast_cli.home import NotRunning, Running
from holdfast_cli.options import Where
from holdfast_cli.output import CommandFailed, counted

ANSWER_SECONDS = 5.0
LEAST_FREE_BYTES = 2 * 1024**3
LEAST_PYTHON = (3, 11)
MOST_CLOCK_SECONDS = 5.0
CLOCK_GRAIN_SECONDS = 2.0
"""What a header in whole seconds, written once a second, may be off."""
MOST_BEHIND = 1_000
SERVICES = {
    "call-events": "call_events",
    "call-events-relay": "call_events_relay",
    "metrics": "metrics",
    "ivr-routing": "ivr_routing",
}


def examine(where: Where, port_base: int) -> list[Finding]:
    """Return every finding, in the order in which they matter."""
    findings = [*_machine(where.data)]
    try:
        running = system.find(where)
    except NotRunning as error:
        return [
            *findings,
            Finding(good=False, what="system", finding="not running", remedy=str(error)),
            *_ports(port_base),
        ]
    findings += [Finding(good=True, what="system", finding=f"runs for tenant {running.tenant}")]
    for name, module in SERVICES.items():
        findings += _service(name, str(getattr(running.addresses, f"{module}_admin")))
    findings += doctor_kafka.examine(running.addresses)
    return [*findings, *_looked("facts", lambda: _facts(running))]


def _machine(data: Path) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        sys.version_info >= LEAST_PYTHON,
        "versions",
        f"holdfast {version('holdfast-cli')}, Python {python}, gRPC {grpc.__version__}",
        "Use Python 3.11 or later: `make clean setup PYTHON=python3.11`.",
    )
    place = _existing(data)
    free = shutil.disk_usage(place).free
    yield Finding(
        free >= LEAST_FREE_BYTES,
        "disk",
        f"{free / 1024**3:.1f} GB free at {place}",
        f"Give the folder at least {LEAST_FREE_BYTES / 1024**3:.0f} GB, or name another one by --data.",
    )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def _ports(port_base: int) -> Iterator[Finding]:
    taken = ports.taken(port_base)
    names = ", ".join(map(str, taken))
    yield Finding(
        not taken,
        "ports",
        f"taken by another program: {names}" if taken else f"free from {port_base} on",
        "End what listens there, or start `holdfast up --port-base 0` on free ones.",
    )


def _service(name: str, admin: str) -> Iterator[Finding]:
    """Look at a service through the door for those who run it."""
    if not admin:
        return
    remedy = f"See its log in the data folder (logs/{name}.log); ending `holdfast up` and starting it again is safe."
    try:
        with httpx.Client(trust_env=False, timeout=ANSWER_SECONDS) as http:
            answer = http.get(f"http://{admin}/readyz")
    except httpx.TransportError as error:
        yield Finding(
            good=False, what=name, finding=f"does not answer at {admin} ({type(error).__name__})", remedy=remedy
        )
        return
    checks = answer.json()
    failing = [check for check, good in checks.items() if not good]
    yield Finding(
        not failing, name, f"not ready: {', '.join(failing)}" if failing else f"ready ({', '.join(checks)})", remedy
    )
    if told := answer.headers.get("date"):
        yield _clock(name, parsedate_to_datetime(told))


def _clock(name: str, told: datetime) -> Finding:
    ahead = (told - datetime.fromtimestamp(time.time(), UTC)).total_seconds()
    side = "ahead of" if ahead > 0 else "behind"
    return Finding(
        abs(ahead) <= MOST_CLOCK_SECONDS,
        f"clock of {name}",
        "agrees" if abs(ahead) <= CLOCK_GRAIN_SECONDS else f"{abs(ahead):.0f} s {side} this machine's",
        "Set both clocks by a time server: record times and tokens depend on them.",
    )


def _looked(what: str, look: Callable[[], Sequence[Finding]]) -> Sequence[Finding]:
    """Look, and make a finding of it if that is refused."""
    try:
        return look()
    except CommandFailed as failed:
        return [Finding(good=False, what=what, finding=f"cannot be asked: {failed}", remedy="See the services first.")]


def _facts(running: Running) -> list[Finding]:
    head, status = system.run(_asked(running))
    place = following.reached(status, head.log_id)
    behind = max(0, head.position - place)
    return [
        Finding(
            status.following,
            "facts",
            f"follow the log live ({status.live_schema})"
            if status.following
            else "do not follow the log, or do not hear of it",
            "See logs/metrics.log for the reason; `holdfast rebuild metrics --swap` makes them anew.",
        ),
        Finding(
            behind <= MOST_BEHIND,
            "lag",
            f"facts at {place:,} of {head.position:,}" + (f", {counted(behind, 'event')} behind" if behind else ""),
            "Wait a moment and look again; if it does not shrink, see logs/metrics.log.",
        ),
        Finding(
            not status.as_of.parked,
            "parked",
            counted(status.as_of.parked, "event") + " set aside, not in the figures" if status.as_of.parked else "none",
            "See logs/metrics.log for the events; a version that can fold them retries them at its start.",
        ),
    ]


async def _asked(running: Running) -> tuple[Cursor, GetFactsStatusResponse]:
    head = await following.head(running)
    async with system.metrics(running) as channel:
        return head, await MetricsServiceStub(channel).GetFactsStatus(GetFactsStatusRequest())

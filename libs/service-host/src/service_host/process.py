"""One process from its first line to its last: settings, ports, parts in order, signals, draining, exit code.

Exit codes: 0 drained, 1 failed, 2 could not start as it was told to (settings, ports, policy).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from datetime import timedelta
from typing import Any, NoReturn, Protocol, TypeAlias, TypeVar

import uvloop

from service_host import logs, telemetry
from service_host.addresses import split_address
from service_host.admin import AdminHost, Check, Readiness, asked
from service_host.authorisation import UndeclaredMethods
from service_host.edge import Edge
from service_host.errors import Refused
from service_host.jwks import UnreadableKeys
from service_host.settings import HostSettings, WrongSettings, load

STARTED = telemetry.Event("started", "The process answers calls.", "grpc", "http", "log", "admin")
DRAINING = telemetry.Event("draining", "The process was asked to stop and takes no new work.")
STOPPED = telemetry.Event("stopped", "The process has ended.", "exit_code")
START_FAILED = telemetry.Event("start_failed", "The process could not start.", "error_class", "places", "reason")
PART_ENDED = telemetry.Event("part_ended", "A part that must run has ended.", "part", "error_class", "places", "reason")

DRAINED, FAILED, REFUSED = 0, 1, 2
_PART_SECONDS = 5.0
_HEALTH_SECONDS = 1.0
_T = TypeVar("_T")
_Settings = TypeVar("_Settings", bound=HostSettings)
_NOW = timedelta(0)


class Host(Protocol):
    """A door of the process."""

    door: str
    edge: Edge

    @property
    def address(self) -> str | None:
        """Where it is open, with the real port once started."""

    async def start(self) -> None:
        """Open it."""

    def set_serving(self, *, serving: bool) -> None:
        """Say whether calls are welcome."""

    async def stop(self, grace: timedelta | None = None) -> None:
        """Close it when what is under way has ended, or after ``grace``."""


class Service:
    """What a service is composed of. Parts close in the reverse of the order in which they were entered."""

    def __init__(self, name: str, stack: AsyncExitStack) -> None:
        self.name = name
        self.readiness = Readiness()
        self.hosts: list[Host] = []
        self._stack = stack
        self._ended: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()

    async def enter(self, part: AbstractAsyncContextManager[_T]) -> _T:
        """Open a part; it is closed when the process ends, after the doors."""
        return await self._stack.enter_async_context(part)

    def ready_when(self, name: str, check: Check) -> None:
        """The process is ready only while ``await check()`` is true."""
        self.readiness.add(name, check)

    def welcome_while(self, name: str, check: Check) -> None:
        """Health says SERVING only while ``await check()`` is true, and readiness too; whoever calls is answered."""
        self.readiness.add(name, check)
        self.background(f"health: {name}", self._follow(check))

    async def _follow(self, check: Check) -> None:
        while True:
            await asyncio.sleep(_HEALTH_SECONDS)
            welcome = await asked(check)
            if self.readiness.serving:  # else nobody is: the process begins, or drains
                for host in self.hosts:
                    host.set_serving(serving=welcome)

    def background(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` beside the doors until the end. If it ends by itself the process ends too, with failure."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended.put_nowait)
        self._stack.push_async_callback(_cancelled, task, self._ended)

    def serve(self, *hosts: Host) -> None:
        """Open these doors, in order, when everything else is open."""
        self.hosts.extend(hosts)

    async def part_ended(self) -> str:
        """Wait until a background part ends; its name."""
        task = await self._ended.get()
        error = None if task.cancelled() else task.exception()
        PART_ENDED.error(part=task.get_name(), **_described(error))
        return task.get_name()


OpenService: TypeAlias = Callable[[Any, Service], Awaitable[None]]


def run(
    name: str, settings_class: type[_Settings], open_service: OpenService, arguments: Sequence[str] | None = None
) -> NoReturn:
    """Run a service until it is told to stop, then end with its exit code. ``arguments`` default to the process's."""
    asked = _arguments(name, arguments)
    given = {"insecure_dev": True} if asked.insecure_dev else {}
    try:
        settings = load(settings_class, **given)
        check_ports(settings)
    except WrongSettings as wrong:
        print("\n".join(wrong.sentences), file=sys.stderr)  # noqa: T201  # before there is a log
        raise SystemExit(REFUSED) from None
    logs.configure(name, settings.log_level)
    code = uvloop.run(serve(name, settings, open_service, ready_line=asked.ready_json))
    STOPPED.info(exit_code=code)
    raise SystemExit(code)


async def serve(name: str, settings: HostSettings, open_service: OpenService, *, ready_line: bool = False) -> int:
    """Open, answer until SIGTERM or SIGINT, drain, close; the exit code. A second signal ends the draining."""
    stop, hurry = _signals()
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(_exporting(settings, name))
            service = Service(name, stack)
            admin = AdminHost(settings.admin_address, service.readiness)
            await admin.start()
            stack.push_async_callback(admin.stop)
            if not await _unless(stop, _open(service, settings, open_service, stack)):
                return DRAINED
            _put_away()
            _tell_ready(service, admin, ready_line=ready_line)
            failed = await _until_told(stop, service)
            await _drain(service, settings, hurry)
            return FAILED if failed else DRAINED
    except (WrongSettings, UndeclaredMethods, UnreadableKeys) as refused:
        print(refused, file=sys.stderr)  # noqa: T201  # for the person who starts it
        return REFUSED
    except Exception as error:  # noqa: BLE001  # the loop that must end in an exit code
        START_FAILED.error(**_described(error))
        return FAILED


def check_ports(settings: HostSettings) -> None:
    """Raise WrongSettings with a sentence for each address that cannot be listened at."""
    sentences = [sentence for address in settings.addresses if (sentence := _complaint(address))]
    if sentences:
        raise WrongSettings(sentences)


def _complaint(address: str) -> str:
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        return f"Cannot listen at {address}: {os.strerror(error.errno or 0)}; name another port (0 takes a free one)."
    return ""


def _exporting(settings: HostSettings, name: str) -> AbstractAsyncContextManager[None]:
    if settings.telemetry == "off":
        return nullcontext()
    from service_host.exporters import exporting  # noqa: PLC0415 - a quarter of a second that most starts can spare

    return exporting(settings, name)


async def _open(service: Service, settings: HostSettings, open_service: OpenService, stack: AsyncExitStack) -> None:
    await open_service(settings, service)
    for host in service.hosts:
        await host.start()
        stack.push_async_callback(host.stop, _NOW)
    _set_serving(service, serving=True)


def _put_away() -> None:
    """Let the collector of circles never look again at what a process begins with: a look at it takes 0.1 to 0.2 s."""
    gc.collect()
    gc.freeze()


async def _drain(service: Service, settings: HostSettings, hurry: asyncio.Event) -> None:
    """Say no to new work, wait until nobody brings any, let what is under way end."""
    DRAINING.info()
    _set_serving(service, serving=False)
    edges = {id(host.edge): host.edge for host in service.hosts}.values()
    with suppress(TimeoutError):
        async with asyncio.timeout(settings.limits.drain_wait.total_seconds()):
            await _unless(hurry, _gathered(*(edge.quiet() for edge in edges)))
    if not await _unless(hurry, _gathered(*(host.stop() for host in service.hosts))):
        await _gathered(*(host.stop(_NOW) for host in service.hosts))


async def _gathered(*work: Coroutine[Any, Any, None]) -> None:
    await asyncio.gather(*work)


async def _until_told(stop: asyncio.Event, service: Service) -> bool:
    """Wait for a signal or the end of a part; whether it was a part."""
    return bool(await _unless(stop, service.part_ended()))


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
    """Await ``work`` unless ``event`` comes first; whether the work was done. Its exceptions are raised."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
            return True
        return False
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)


def _set_serving(service: Service, *, serving: bool) -> None:
    service.readiness.serving = serving
    for host in service.hosts:
        host.set_serving(serving=serving)


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Set by the first signal, and by the second."""
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    return stop, hurry


async def _cancelled(task: asyncio.Task[Any], ended: asyncio.Queue[asyncio.Task[Any]]) -> None:
    task.remove_done_callback(ended.put_nowait)
    task.cancel()
    await asyncio.wait({task}, timeout=_PART_SECONDS)


def _tell_ready(service: Service, admin: AdminHost, *, ready_line: bool) -> None:
    doors = {host.door: host.address for host in service.hosts if host.address} | (
        {"admin": admin.address} if admin.address else {}
    )
    STARTED.info(**doors)
    if ready_line:
        line = {"ready": True, "service": service.name, "pid": os.getpid(), **doors}
        print(json.dumps(line), flush=True)  # noqa: T201  # what a supervisor reads


def _described(error: BaseException | None) -> dict[str, object]:
    if error is None:
        return {}
    reason = str(error) if isinstance(error, Refused) else ""
    return {"error_class": type(error).__name__, "places": logs.places(error.__traceback__), "reason": reason}


def _arguments(name: str, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(name, description="All other settings come from the environment.")
    parser.add_argument("--insecure-dev", action="store_true", help="everyone may do everything; only on loopback")
    parser.add_argument("--ready-json", action="store_true", help="print one line of JSON when calls are answered")
    return parser.parse_args(arguments)

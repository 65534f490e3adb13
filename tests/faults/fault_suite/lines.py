"""A line between two parts, as a small TCP proxy that can be slow, sliced, silent or cut.

Lines run in a thread of their own, so that a cut does not depend on what else the process does.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

HOST: Final = "127.0.0.1"
READ_BYTES: Final = 65_536
LOOK_SECONDS: Final = 0.02
"""How often a silent line looks whether it may speak again."""
CONNECT_SECONDS: Final = 2.0
UP, DOWN = "up", "down"
"""Directions: towards the part that serves, and back."""
Target = Callable[[], tuple[str, int]]


class Line:
    """One line. Its state is set from any thread and holds for what is read from then on."""

    def __init__(self, name: str, target: Target) -> None:
        """Lead to wherever `target` says when a connection is made."""
        self.name = name
        self.silent: frozenset[str] = frozenset()
        self.refusing = False
        self.hanging = False
        self.latency_seconds = 0.0
        self.slice_bytes = 0
        self.port = 0
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._leading: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where it listens: host:port."""
        return f"{HOST}:{self.port}"

    def heal(self) -> None:
        """Let everything through again."""
        self.silent, self.refusing, self.hanging = frozenset(), False, False
        self.latency_seconds, self.slice_bytes = 0.0, 0

    def cut(self) -> None:
        """Reset every connection there is; to be called in the thread of lines."""
        for writer in list(self._open):
            _reset(writer)

    async def listen(self) -> None:
        """Begin to listen on a free port."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead a connection on in a task of its own, kept until it ends."""
        task = asyncio.get_running_loop().create_task(self._lead(reader, writer))
        self._leading.add(task)
        task.add_done_callback(self._leading.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while self.hanging:  # noqa: ASYNC110  # set from another thread
                await asyncio.sleep(LOOK_SECONDS)
            if self.refusing:
                return
            async with asyncio.timeout(CONNECT_SECONDS):
                further, back = await asyncio.open_connection(*self._target())
            self._open.add(back)
            try:
                await self._both(reader, writer, further, back)
            finally:
                self._open.discard(back)
                _reset(back)
        except (OSError, TimeoutError):
            pass  # who serves is away: the caller is cut off too
        finally:
            self._open.discard(writer)
            _reset(writer)

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        further: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> None:
        pumps = [
            asyncio.create_task(self._pump(reader, back, UP)),
            asyncio.create_task(self._pump(further, writer, DOWN)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str) -> None:
        with suppress(OSError):
            while data := await reader.read(READ_BYTES):
                while direction in self.silent:  # noqa: ASYNC110  # set from another thread
                    await asyncio.sleep(LOOK_SECONDS)
                if self.latency_seconds:
                    await asyncio.sleep(self.latency_seconds)
                await self._send(writer, data)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = self.slice_bytes or len(data)
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()


class Lines:
    """The thread in which lines run."""

    def __init__(self) -> None:
        """Begin the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)
        self._thread.start()
        self._lines: list[Line] = []

    def lay(self, name: str, target: Target) -> Line:
        """Make a line that listens."""
        line = Line(name, target)
        asyncio.run_coroutine_threadsafe(line.listen(), self._loop).result(CONNECT_SECONDS)
        self._lines.append(line)
        return line

    def cut(self, line: Line) -> None:
        """Reset every connection of a line."""
        self._loop.call_soon_threadsafe(line.cut)

    def close(self) -> None:
        """End all lines and the thread."""
        asyncio.run_coroutine_threadsafe(_end_all(), self._loop).result(CONNECT_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CONNECT_SECONDS)
        self._loop.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection by a reset, as a cut line does, not by a goodbye."""
    wire = writer.get_extra_info("socket")
    if wire is not None:
        with suppress(OSError):
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _end_all() -> None:
    """End every other task of this loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

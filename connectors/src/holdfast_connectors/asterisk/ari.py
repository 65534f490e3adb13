"""The REST interface of Asterisk: requests over HTTP, events over one WebSocket, given to whoever follows a channel.

Nothing waits for ever: requests have a deadline, and a lost socket is opened again. What was said meanwhile is lost;
`on_connected` is told so, that the source's gap can be told, and what lives now.
"""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

logger = logging.getLogger(__name__)

REQUEST_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.5
MOST_WAITING: Final = 1_000
NOT_FOUND: Final = 404
INFERRED: Final = "inferred"
"""Marks an event that Asterisk has not said, for a channel that is no more."""
Event = dict[str, Any]


class AriRefused(Exception):
    """Asterisk refused a request, or did not answer; the text is the status or the error's class."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where Asterisk is and how to enter: `url` as http://host:8088/ari."""

    url: str
    app: str
    user: str
    password: str = field(repr=False)

    @property
    def events(self) -> str:
        """Address of the events."""
        parts = urlsplit(self.url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        query = urlencode({"app": self.app, "api_key": f"{self.user}:{self.password}"})
        return f"{scheme}://{parts.netloc}{parts.path}/events?{query}"


class Ari:
    """One application of one Asterisk."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._http = httpx.AsyncClient(auth=(access.user, access.password), timeout=REQUEST_SECONDS, trust_env=False)
        self._followers: defaultdict[str, list[asyncio.Queue[Event]]] = defaultdict(list)
        self.connected = asyncio.Event()

    async def close(self) -> None:
        """Close."""
        await self._http.aclose()

    async def ask(self, method: str, path: str, **query: object) -> Any:
        """Make a request; its answer, or None if it has none. Raises AriRefused."""
        given = {name: str(value) for name, value in query.items() if value not in (None, "")}
        try:
            answer = await self._http.request(method, f"{self._access.url}{path}", params=given)
        except httpx.HTTPError as error:
            raise AriRefused(type(error).__name__) from error
        if answer.is_error:
            raise AriRefused(str(answer.status_code))
        return answer.json() if answer.content else None

    async def ask_if_there(self, method: str, path: str, **query: object) -> None:
        """Make a request about something that may be gone by now."""
        try:
            await self.ask(method, path, **query)
        except AriRefused as refused:
            if str(refused) != str(NOT_FOUND):
                logger.info("Asterisk refused: %s", refused)

    @contextmanager
    def following(self, *channels: str) -> "Iterator[asyncio.Queue[Event]]":
        """A queue of the events about some channels, for as long as the context lasts."""
        queue: asyncio.Queue[Event] = asyncio.Queue(MOST_WAITING)
        for channel in channels:
            self._followers[channel].append(queue)
        try:
            yield queue
        finally:
            for channel in channels:
                self._followers[channel].remove(queue)
                if not self._followers[channel]:
                    del self._followers[channel]

    async def run(self, on_start: Callable[[Event], None], on_connected: Callable[[bool], None]) -> None:
        """Hand out events for ever; `on_start` gets those of channels that enter the application.

        `on_connected` is told of each connection, and whether there was one before.
        """
        again = False
        while True:
            try:
                async for event in self._events():
                    if not self.connected.is_set():
                        on_connected(again)
                    again = True
                    self.connected.set()
                    self._hand_out(event, on_start)
            except (OSError, WebSocketException, ValueError, TimeoutError) as away:
                logger.info("the events of Asterisk ended: %s", type(away).__name__)
            self.connected.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    def follows(self, channel: str) -> bool:
        """Whether anybody follows a channel."""
        return channel in self._followers

    async def channels(self) -> list[str]:
        """All channels that live now; whoever follows one that does not is told its end. Raises AriRefused."""
        followed = tuple(self._followers)
        live = [str(channel["id"]) for channel in await self.ask("GET", "/channels") or ()]
        for channel in set(followed).difference(live):
            ended = {"type": "ChannelDestroyed", "channel": {"id": channel}, INFERRED: True}
            self._hand_out(ended, lambda _: None)
        return live

    async def _events(self) -> AsyncIterator[Event]:
        async with connect(self._access.events, open_timeout=REQUEST_SECONDS, proxy=None) as socket:
            yield {"type": "Connected"}
            async for message in socket:
                event = json.loads(message)
                if isinstance(event, dict):
                    yield event

    def _hand_out(self, event: Event, on_start: Callable[[Event], None]) -> None:
        channel = channel_of(event)
        for queue in self._followers.get(channel, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)
        if event.get("type") == "StasisStart":
            on_start(event)


def channel_of(event: Event) -> str:
    """The channel that an event is about; empty if about none."""
    for name in ("channel", "peer"):
        about = event.get(name)
        if isinstance(about, dict):
            return str(about.get("id", ""))
    target = str(event.get("playback", {}).get("target_uri", "") or event.get("recording", {}).get("target_uri", ""))
    return target.removeprefix("channel:")

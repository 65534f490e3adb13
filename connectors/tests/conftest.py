"""A scripted Asterisk: its REST interface and its events on one port, made from the published resource model."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect

Reaction = Callable[["ScriptedAsterisk", dict[str, str]], Any]


class ScriptedAsterisk:
    """Answers requests as Asterisk does, and sends the events that a script ties to them."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.reactions: dict[tuple[str, str], Reaction] = {}
        self.url = ""
        self._sockets: list[WebSocket] = []
        self._later: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.app = FastAPI()
        self.app.add_api_websocket_route("/ari/events", self._events)
        self.app.add_api_route("/ari/{path:path}", self._asked, methods=["GET", "POST", "DELETE"])

    def when(self, method: str, path: str, reaction: Reaction) -> None:
        """React to a request; the reaction's answer is the request's."""
        self.reactions[method, path] = reaction

    def asked(self, method: str, path: str) -> list[dict[str, str]]:
        """The queries of the requests made so."""
        return [query for how, where, query in self.requests if (how, where) == (method, path)]

    def say(self, kind: str, channel_id: str, **more: Any) -> None:
        """Send an event about a channel to whoever listens, after those said before."""
        event = {"type": kind, "application": "holdfast", "channel": {"id": channel_id, "state": "Up"}} | more
        self._later.put_nowait(event)

    async def speak(self) -> None:
        """Send what is said, in order, for ever."""
        while True:
            event = await self._later.get()
            for socket in self._sockets:
                await socket.send_json(event)

    async def _events(self, socket: WebSocket) -> None:
        assert socket.query_params["api_key"] == "user:secret"
        await socket.accept()
        self._sockets.append(socket)
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            self._sockets.remove(socket)

    async def _asked(self, path: str, request: Request) -> Any:
        query = dict(request.query_params)
        self.requests.append((request.method, f"/{path}", query))
        reaction = self.reactions.get((request.method, f"/{path}"))
        if reaction is None:
            return Response(status_code=204)
        return reaction(self, query)


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk, serving."""
    scripted = ScriptedAsterisk()
    config = uvicorn.Config(scripted.app, port=0, log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    serving, speaking = asyncio.create_task(server.serve()), asyncio.create_task(scripted.speak())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells by this alone
        await asyncio.sleep(0.01)
    scripted.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/ari"
    yield scripted
    speaking.cancel()
    server.should_exit = True
    await asyncio.gather(serving, speaking, return_exceptions=True)

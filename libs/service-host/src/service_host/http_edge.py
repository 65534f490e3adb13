"""The same edge for HTTP: one ASGI layer around an app that knows nothing of tokens, limits or failures.

The layer finds the route itself, before the body is read, so that nobody without a token makes us parse anything.
Bodies are read whole, within a limit and the deadline. Every answer has ``x-request-id``; every refusal is a JSON
problem.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

from opentelemetry.trace import INVALID_SPAN
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service_host import call as calls
from service_host import telemetry
from service_host.auth import Verified
from service_host.edge import CALL, Edge, Meter, Method, gate_key
from service_host.errors import DeadlineExceeded, Refused, TooLarge, Unauthenticated, problem

Headers: TypeAlias = dict[str, str]
ENDPOINT = "holdfast.endpoint"
DISCARDED_TIMES = 4
CLIENT_GONE = 499
UNMATCHED = Method("unmatched", None, any_token=True)


@dataclass(frozen=True, slots=True)
class Route:
    """One route as served: its declared method, the paths it matches, what runs."""

    method: Method
    verb: str
    pattern: re.Pattern[str]
    endpoint: object


def route(method: Method, verb: str, path: str, endpoint: object) -> Route:
    """A route of the app; ``path`` is its template."""
    return Route(method, verb, compile_path(path)[0], endpoint)


class ClientGone(Exception):
    """The client closed the connection before its request was whole; nobody is left to tell."""


class HttpEdge:
    """ASGI middleware; ``routes`` are all that the app inside serves."""

    def __init__(self, app: ASGIApp, edge: Edge, routes: Iterable[Route]) -> None:
        self._app = app
        self._edge = edge
        self._routes = tuple(routes)
        self._meters: dict[str, Meter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; web sockets are not spoken here."""
        if scope["type"] != "http":
            return
        found = self._find(scope)
        method = found.method if found else UNMATCHED
        scope[ENDPOINT] = found.endpoint if found else None
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        answer = _Answer(send, self._edge)
        started = time.perf_counter()
        with _traced(method, headers) as span:
            try:
                await self._admitted(scope, receive, answer, method, headers)
            except ClientGone:
                answer.status = CLIENT_GONE
            except Exception as error:  # noqa: BLE001 - the outermost guard
                await answer.refuse(self._edge.guard.refusal(error, method.name))
            finally:
                self._meter(method).record(str(answer.status), time.perf_counter() - started)
                span.set_attribute("code", str(answer.status))

    async def _admitted(
        self, scope: Scope, receive: Receive, answer: _Answer, method: Method, headers: Headers
    ) -> None:
        verified = await self._edge.identify(method, headers.get("authorization"))
        stream = bool(method.rule and method.rule.stream)
        gate = self._edge.streams if stream else self._edge.unary
        key = gate_key(verified, _Peer(scope))
        gate.enter(key)
        try:
            seconds = self._seconds(method, verified, stream=stream)
            answer.call = self._edge.begin(method, verified, seconds, headers)
            calls.begin(answer.call)
            await self._in_time(scope, receive, answer, seconds, headers)
        finally:
            gate.leave(key)

    def _seconds(self, method: Method, verified: Verified, *, stream: bool) -> float:
        if stream:
            return self._edge.stream_seconds(verified, None)
        rule = method.rule  # a request over HTTP cannot say how long it may take: its rule says it instead
        told = rule.deadline.total_seconds() if rule is not None and rule.deadline is not None else None
        return self._edge.allowed_seconds(method, told)

    async def _in_time(self, scope: Scope, receive: Receive, answer: _Answer, seconds: float, headers: Headers) -> None:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                body = await _body(receive, headers, self._edge.limits.message_bytes)
                await self._app(scope, _replay(body, receive), answer)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded("DEADLINE_EXCEEDED", "The request took longer than it may.") from None

    def _find(self, scope: Scope) -> Route | None:
        verb, path = scope["method"], scope["path"]
        return next((route for route in self._routes if route.verb == verb and route.pattern.match(path)), None)

    def _meter(self, method: Method) -> Meter:
        meter = self._meters.get(method.name)
        if meter is None:
            meter = self._meters[method.name] = Meter("http", method.name)
        return meter


class _Answer:
    """What is sent back: headers of ours added, and whether it has begun."""

    def __init__(self, send: Send, edge: Edge) -> None:
        self._send = send
        self._edge = edge
        self.call: calls.Call | None = None
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", []), *self._headers()]}
        await self._send(message)

    async def refuse(self, refusal: Refused) -> None:
        """Tell a refusal, unless an answer has begun: then it is cut off where it is."""
        if self.status:
            return
        body = json.dumps(problem(refusal)).encode()
        headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
        if refusal.retry_after is not None:
            headers.append((b"retry-after", b"%d" % max(1, round(refusal.retry_after.total_seconds()))))
        if isinstance(refusal, Unauthenticated):
            headers.append((b"www-authenticate", b"Bearer"))
        if isinstance(refusal, TooLarge):
            headers.append((b"connection", b"close"))
        await self({"type": "http.response.start", "status": refusal.http_status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]
        if self.call is not None:
            headers.append((b"x-request-id", self.call.request_id.encode()))
        if self._edge.draining:
            headers.append((b"connection", b"close"))
        return headers


class _Peer:
    """Where an HTTP request came from, in the form gRPC tells it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def peer(self) -> str:
        """``http:host:port``."""
        host, port = self._scope.get("client") or ("", 0)
        return f"http:{host}:{port}"


async def _body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The whole body; TooLarge beyond ``limit`` bytes.

    A few times the limit is read all the same and thrown away: who is still sending would not see the answer.
    """
    declared = headers.get("content-length", "0")
    parts: list[bytes] = []
    received = 0
    size = int(declared) if declared.isdigit() else 0
    more = True
    while more and size <= DISCARDED_TIMES * limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        more = message.get("more_body", False)
        received += len(message.get("body", b""))
        size = max(size, received)
        if size <= limit:
            parts.append(message.get("body", b""))
    if size > limit:
        raise TooLarge("TOO_LARGE", "The request is longer than the limit.", limit_bytes=limit)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body once, then whatever comes (the client going away)."""
    told = False

    async def next_message() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


def _traced(method: Method, headers: Headers) -> Any:  # a context manager
    if not telemetry.tracing():
        return nullcontext(INVALID_SPAN)
    return CALL.start(headers.get("traceparent", ""), method=method.name, door="http")

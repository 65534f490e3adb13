"""The HTTP door of a process: a FastAPI app behind the same edge as gRPC, with its OpenAPI."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security import HTTPBearer
from grpc import StatusCode
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from service_host.asgi_server import AsgiServer
from service_host.authorisation import UndeclaredMethods
from service_host.edge import Edge, Method
from service_host.errors import InvalidArgument, PermissionDenied, problem
from service_host.http_edge import ENDPOINT, HttpEdge, Route, route

OPENAPI = "/openapi.json"
_LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]", "[::1"]
_CODES = {
    HTTPStatus.NOT_FOUND: StatusCode.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: StatusCode.UNIMPLEMENTED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: StatusCode.INVALID_ARGUMENT,
}


class Problem(BaseModel):
    """What a caller is told when the answer is no; ``reason`` is a word a program can switch on."""

    code: str
    reason: str
    message: str
    metadata: dict[str, str]
    retry_after_ms: int | None = None


class HttpHost:
    """Serves ``app`` at ``settings.http_address`` (or nowhere if that is not set).

    Add routes to ``app`` before it starts. Every route needs a rule ``"VERB /path/{template}"`` in the edge's policy;
    ``/openapi.json`` needs any valid token. Mounted apps and web sockets are refused: they could not be checked.
    """

    door = "http"

    def __init__(self, edge: Edge, *, title: str, version: str = "1") -> None:
        self.edge = edge
        self.app = FastAPI(
            title=title,
            version=version,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            dependencies=[Depends(HTTPBearer(auto_error=False, description="A token.")), Depends(_is_the_one_checked)],
            responses={"default": {"model": Problem, "description": "The answer is no, and why."}},
            telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        )
        self.app.add_exception_handler(RequestValidationError, _malformed)
        self.app.add_exception_handler(HTTPException, _http_refusal)
        self.app.add_api_route(OPENAPI, self._openapi, include_in_schema=False)
        self._server: AsgiServer | None = None

    @property
    def address(self) -> str | None:
        """Where it is served, with the real port once started."""
        return self._server.address if self._server else self.edge.settings.http_address

    async def start(self) -> None:
        """Check the policy, bind, and answer. Raises UndeclaredMethods before anything listens."""
        asgi = self.asgi()
        await self.edge.verifier.open()
        settings = self.edge.settings
        if settings.http_address is None:
            return
        self._server = AsgiServer(
            asgi, settings.http_address, certificate=settings.tls_certificate, key=settings.tls_key
        )
        await self._server.start()

    def asgi(self) -> ASGIApp:
        """The app behind its edge, checked; what :meth:`start` serves."""
        self.edge.policy.check_http(f"{verb} {path}" for verb, path, _ in self._served() if path != OPENAPI)
        self.app.add_middleware(HttpEdge, edge=self.edge, routes=tuple(self._routes()))
        if self.edge.settings.insecure_dev:  # a web page must not reach it under another name
            self.app.add_middleware(TrustedHostMiddleware, allowed_hosts=_LOCAL_NAMES)
        return self.app

    def set_serving(self, *, serving: bool) -> None:
        """From now on, or no longer, keep connections."""
        self.edge.draining = not serving

    async def stop(self, grace: timedelta | None = None) -> None:
        """Take no further request, wait ``grace`` (default: the limit) for those under way."""
        if self._server is not None:
            await self._server.stop(self.edge.limits.drain_grace if grace is None else grace)
            self._server = None

    def _routes(self) -> Iterator[Route]:
        for verb, path, endpoint in self._served():
            rule = None if path == OPENAPI else self.edge.policy.rule(f"{verb} {path}")
            yield route(Method(f"{verb} {path}", rule, any_token=True), verb, path, endpoint)

    def _served(self) -> Iterator[tuple[str, str, object]]:
        """Each verb and path template with what runs for it."""
        for context in iter_route_contexts(self.app.routes):
            if not isinstance(context.original_route, APIRoute) or context.path is None:
                raise UndeclaredMethods("Only plain HTTP routes can be checked; mounts and web sockets are refused.")
            for verb in sorted(context.methods or ()):
                yield verb, context.path, context.endpoint

    async def _openapi(self) -> JSONResponse:
        return JSONResponse(self.app.openapi())


async def _is_the_one_checked(request: Request) -> None:
    """Refuse if the route that runs is not the one whose rule was checked: two ways of matching must never differ."""
    if request.scope.get("endpoint") is not request.scope.get(ENDPOINT):
        raise PermissionDenied("ROUTE_UNCHECKED", "This route may not be called so.")


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    """Where the request is wrong and how, never what was sent."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    first = found[0] if found else {"loc": ("body",), "type": "unreadable"}
    field = ".".join(str(part) for part in first["loc"])
    refusal = InvalidArgument("MALFORMED", "The request does not have the right form.", field=field, why=first["type"])
    return JSONResponse(problem(refusal), refusal.http_status, media_type="application/problem+json")


async def _http_refusal(_request: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses (no such route, no such verb), in the common form."""
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST)
    code = _CODES.get(status, StatusCode.INVALID_ARGUMENT)
    body = {"code": code.name, "reason": status.name, "message": f"{status.phrase}.", "metadata": {}}
    return JSONResponse(body, status, media_type="application/problem+json")

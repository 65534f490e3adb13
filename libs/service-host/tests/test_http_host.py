import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from starlette.responses import StreamingResponse
from starlette.routing import Mount

from service_host import call, echo
from service_host.authorisation import Policy, Rule, UndeclaredMethods
from service_host.edge import Edge
from service_host.errors import ErrorTable, ResourceExhausted, Row
from service_host.http_host import HttpHost
from service_host.settings import HostSettings, Limits
from service_host_testing import Credentials, Lines

HTTP_RULES = Policy({f"POST /v1/echo:{name}": Rule(scope=echo.SCOPE) for name in ("say", "wait", "fail")})
SAY = "/v1/echo:say"


@asynccontextmanager
async def serving(
    settings: HostSettings,
    router: APIRouter | None = None,
    policy: Policy = HTTP_RULES,
    errors: ErrorTable | None = None,
    **limits: Any,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a host really served."""
    chosen = settings.model_copy(update={"http_address": "127.0.0.1:0", "limits": Limits(**limits)})
    host = HttpHost(Edge(chosen, policy, errors), title="test")
    host.app.include_router(router or echo.router())
    await host.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://{host.address}") as client:
            yield client
    finally:
        await host.stop(timedelta(0))


@pytest.fixture
async def web(settings: HostSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings) as client:
        yield client


async def test_a_request_with_a_token_is_answered(web: httpx.AsyncClient, credentials: Credentials) -> None:
    answer = await web.post(SAY, json={"text": "hello"}, headers=dict(credentials()))
    assert (answer.status_code, answer.json()) == (200, {"text": "hello"})
    assert answer.headers["x-request-id"]


async def test_a_request_without_a_token_is_refused_before_its_body_is_read(web: httpx.AsyncClient) -> None:
    answer = await web.post(SAY, content=b"{ not even json")
    assert (answer.status_code, answer.json()["reason"]) == (401, "TOKEN_MISSING")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", [SAY, "/nowhere", "/openapi.json", "/docs", "/v1/../v1/echo:say", "//v1/echo:say"])
@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "HEAD", "OPTIONS", "BREW"])
async def test_nothing_is_open_to_those_without_a_token(web: httpx.AsyncClient, verb: str, path: str) -> None:
    assert (await web.request(verb, path)).status_code == 401


async def test_a_token_without_the_scope_is_refused(web: httpx.AsyncClient, credentials: Credentials) -> None:
    answer = await web.post(SAY, json={"text": "x"}, headers=dict(credentials(scopes=["other"])))
    assert (answer.status_code, answer.json()["reason"]) == (403, "SCOPE_MISSING")


async def test_what_is_malformed_is_told_by_place_and_never_by_value(
    web: httpx.AsyncClient, credentials: Credentials
) -> None:
    for body in (b'{"text": 01701234567}', b'{"text": ["01701234567"]}', b'{"nottext": "01701234567"}', b"01701234567"):
        headers = {**dict(credentials()), "content-type": "application/json"}
        answer = await web.post(SAY, content=body, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (400, "MALFORMED")
        assert "0170" not in answer.text


async def test_unknown_paths_and_verbs_have_the_common_form(web: httpx.AsyncClient, credentials: Credentials) -> None:
    unknown = await web.get("/nowhere", headers=dict(credentials()))
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "NOT_FOUND")
    wrong = await web.delete(SAY, headers=dict(credentials()))
    assert (wrong.status_code, wrong.json()["reason"]) == (405, "METHOD_NOT_ALLOWED")


async def test_a_handler_that_throws_a_number_shows_it_to_nobody(
    web: httpx.AsyncClient, credentials: Credentials, captured_logs: Lines
) -> None:
    answer = await web.post("/v1/echo:fail", json={"text": "+49 170 1234567"}, headers=dict(credentials()))
    assert answer.status_code == 500
    assert "1234567" not in f"{answer.text}{answer.headers}{captured_logs}"
    (line,) = [line for line in captured_logs if line["event"] == "call_failed_unexpectedly"]
    assert line["error_id"] == answer.json()["metadata"]["error_id"]


async def test_the_table_of_errors_is_that_of_grpc(settings: HostSettings, credentials: Credentials) -> None:
    table = ErrorTable({ValueError: Row(ResourceExhausted, "FULL", retry_after=timedelta(seconds=2))})
    async with serving(settings, errors=table) as web:
        answer = await web.post("/v1/echo:fail", json={"text": "x"}, headers=dict(credentials()))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json() == {
        "code": "RESOURCE_EXHAUSTED",
        "reason": "FULL",
        "message": "Inappropriate argument value (of correct type).",
        "metadata": {},
        "retry_after_ms": 2000,
    }


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_beyond_the_limit_is_refused_whether_it_says_so_or_not(
    web: httpx.AsyncClient, credentials: Credentials, *, declared: bool
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield bytes(1_000_000)

    content = bytes(10_000_000) if declared else parts()
    answer = await web.post(SAY, content=content, headers=dict(credentials()))
    assert (answer.status_code, answer.json()["reason"]) == (413, "TOO_LARGE")


async def test_a_body_that_does_not_come_is_not_waited_for(settings: HostSettings, credentials: Credentials) -> None:
    async with serving(settings, default_deadline=timedelta(milliseconds=100)) as web:
        reader, writer = await asyncio.open_connection(web.base_url.host, web.base_url.port)
        token = dict(credentials())["authorization"]
        head = f"POST {SAY} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-length: 100\r\n\r\n"
        writer.write(head.encode())
        async with asyncio.timeout(30):
            assert b"504" in await reader.readline()
        writer.close()


async def test_a_request_takes_no_longer_than_it_may(settings: HostSettings, credentials: Credentials) -> None:
    async with serving(settings, default_deadline=timedelta(milliseconds=50)) as web:
        answer = await web.post("/v1/echo:wait", json={"text": "60000"}, headers=dict(credentials()))
    assert (answer.status_code, answer.json()["reason"]) == (504, "DEADLINE_EXCEEDED")


async def test_one_callers_crowd_does_not_stop_another(settings: HostSettings, credentials: Credentials) -> None:
    async with serving(settings, unary_per_caller=1) as web:
        slow = asyncio.create_task(web.post("/v1/echo:wait", json={"text": "400"}, headers=dict(credentials())))
        answers = await asyncio.gather(
            *(web.post("/v1/echo:wait", json={"text": "400"}, headers=dict(credentials())) for _ in range(3)),
            web.post(SAY, json={"text": "x"}, headers=dict(credentials(subject="other"))),
        )
        assert answers[-1].status_code == 200
        assert sorted([*(answer.status_code for answer in answers[:-1]), (await slow).status_code]) == [
            200,
            429,
            429,
            429,
        ]


async def test_a_handler_knows_its_caller_and_never_another(settings: HostSettings, credentials: Credentials) -> None:
    router = APIRouter()

    @router.get("/me")
    async def me() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"tenant": call.caller().tenant, "method": call.current().method}

    async with serving(settings, router, Policy({"GET /me": Rule(scope=echo.SCOPE)})) as web:
        answers = await asyncio.gather(
            *(web.get("/me", headers=dict(credentials(tenant=f"tenant-{n}"))) for n in range(20))
        )
    assert [answer.json()["tenant"] for answer in answers] == [f"tenant-{n}" for n in range(20)]
    assert answers[0].json()["method"] == "GET /me"


async def test_a_request_id_given_is_kept_if_it_is_one(web: httpx.AsyncClient, credentials: Credentials) -> None:
    for given, kept in (("abc-123", True), ("+49 170 1234567", False), ("x" * 65, False)):
        headers = {**dict(credentials()), "x-request-id": given}
        answer = await web.post(SAY, json={"text": "x"}, headers=headers)
        assert (answer.headers["x-request-id"] == given) is kept


async def test_a_stream_of_events_lasts_as_streams_do(settings: HostSettings, credentials: Credentials) -> None:
    router = APIRouter()

    @router.get("/events")
    async def events() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"data: x\n\n"
                await asyncio.sleep(0.1)

        return StreamingResponse(lines(), media_type="text/event-stream")

    policy = Policy({"GET /events": Rule(scope=echo.SCOPE, stream=True)})
    async with serving(settings, router, policy, default_deadline=timedelta(milliseconds=50)) as web:
        assert (await web.get("/events", headers=dict(credentials()))).text.count("data") == 3


async def test_the_openapi_says_what_refusals_look_like(web: httpx.AsyncClient, credentials: Credentials) -> None:
    document = (await web.get("/openapi.json", headers=dict(credentials(scopes=[])))).json()
    operation = document["paths"][SAY]["post"]
    assert set(operation["responses"]) == {"200", "default"}
    assert operation["security"] == [{"HTTPBearer": []}]


async def test_a_route_without_a_rule_refuses_the_start(settings: HostSettings) -> None:
    with pytest.raises(UndeclaredMethods, match="POST /v1/echo:fail is served but has no rule"):
        async with serving(settings, policy=Policy({f"POST {SAY}": Rule(scope="echo")})):
            pass


async def test_a_rule_without_a_route_refuses_the_start(settings: HostSettings) -> None:
    with pytest.raises(UndeclaredMethods, match="GET /x has a rule in the policy but is not served"):
        async with serving(settings, APIRouter(), Policy({"GET /x": Rule(scope="echo")})):
            pass


def test_what_cannot_be_checked_refuses_the_start(settings: HostSettings) -> None:
    host = HttpHost(Edge(settings, Policy({})), title="test")
    host.app.router.routes.append(Mount("/files", app=host.app))
    with pytest.raises(UndeclaredMethods, match="Only plain HTTP routes"):
        host.asgi()


async def test_in_insecure_dev_a_web_page_cannot_reach_it_under_another_name() -> None:
    async with serving(HostSettings(insecure_dev=True)) as web:
        assert (await web.post(SAY, json={"text": "x"})).status_code == 200
        assert (await web.post(SAY, json={"text": "x"}, headers={"host": "evil.example"})).status_code == 400

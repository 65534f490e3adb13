"""The JSON twin over HTTP: the same service, its OpenAPI, and errors that repeat nothing of what was sent."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from call_events.http_api import DOORS

NUMBER = "+49301234567"


@pytest.fixture
async def web(service: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token."""
    headers = {"authorization": f"Bearer {service.token()}"}
    async with httpx.AsyncClient(
        base_url=f"http://{service.ready['http']}", headers=headers, trust_env=False
    ) as client:
        yield client


def arrival(teller: Any, **more: Any) -> dict[str, Any]:
    return {
        "event_id": teller.event().event_id,
        "source_id": "pbx",
        "contact": {"contact_id": teller.contact_id},
        "event_time": "2026-11-23T09:00:00Z",
        "contact_arrived": {"service_number": "+498001234"},
    } | more


async def test_an_event_posted_is_read_back_as_a_contact_and_as_an_event(web: Any, teller: Any) -> None:
    answer = await web.post("/v1/contact-events:record", json={"events": [arrival(teller)]})
    assert answer.status_code == 200
    assert answer.json()["verdicts"][0]["recorded"]["contact_id"] == teller.contact_id
    found = (await web.get(f"/v1/contacts/{teller.contact_id}", params={"include_events": "true"})).json()
    assert found["contact"]["phase"] == "arrived"
    assert found["events"][0]["event"]["contact_arrived"]["service_number"] == "+498001234"
    page = (await web.get("/v1/events", params={"limit": "1", "backwards": "true", "types": "ContactArrived"})).json()
    assert page["events"][0]["contact_event"]["event"]["contact"]["contact_id"] == teller.contact_id


async def test_told_over_http_and_grpc_alike_it_is_the_same_event(web: Any, teller: Any) -> None:
    told = arrival(teller)
    await web.post("/v1/contact-events:record", json={"events": [told]})
    event = teller.event(contact_arrived={"service_number": "+498001234"})
    event.event_id = told["event_id"]
    event.event_time.FromJsonString(told["event_time"])
    (verdict,) = await teller.record(event)
    assert verdict.recorded.duplicate


async def test_names_in_camel_case_are_understood_too(web: Any, teller: Any) -> None:
    told = arrival(teller)
    camel = {"eventId": told.pop("event_id"), **told}
    answer = await web.post("/v1/contact-events:record", json={"events": [camel]})
    assert "recorded" in answer.json()["verdicts"][0]


async def test_agents_callers_and_erasure_have_doors_too(web: Any, teller: Any) -> None:
    state = {"agent": "anna", "state": "AGENT_STATE_AVAILABLE"}
    told = arrival(teller, agent_state_changed=state)
    del told["contact"], told["contact_arrived"]
    answer = await web.post("/v1/agent-events:record", json={"events": [told]})
    assert "recorded" in answer.json()["verdicts"][0]
    assert (await web.post("/v1/callers:resolve", json={"number": NUMBER})).json()["created"]
    assert (await web.post("/v1/customers:erase", json={"number": NUMBER})).json() == {"keys_destroyed": 1}
    assert (await web.get("/v1/contacts", params={"page_size": 5})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"events": 5}',
        b'{"events": [{"number": "+49301234567"}]}',
        b"\xff\xfe",
        b'{"events": [' * 90,
    ],
)
async def test_what_is_not_of_the_right_form_is_told_by_its_place_never_repeated(web: Any, body: bytes) -> None:
    answer = await web.post("/v1/contact-events:record", content=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "MALFORMED")
    assert "1234567" not in answer.text


async def test_an_unknown_parameter_is_refused(web: Any) -> None:
    answer = await web.get("/v1/events", params={"limitt": 5})
    assert (answer.status_code, answer.json()["metadata"]["field"]) == (400, "limitt")
    answer = await web.get("/v1/events", params={"+4930123456": 5})
    assert answer.status_code == 400
    assert "123456" not in answer.text


async def test_a_contact_nobody_told_of_is_not_found(web: Any, another: Any) -> None:
    answer = await web.get(f"/v1/contacts/{another().contact_id}")
    assert (answer.status_code, answer.json()["reason"]) == (404, "CONTACT_NOT_FOUND")


async def test_without_a_token_nobody_comes_in(service: Any) -> None:
    async with httpx.AsyncClient(base_url=f"http://{service.ready['http']}", trust_env=False) as client:
        assert (await client.get("/v1/contacts")).status_code == 401


async def test_openapi_describes_every_door_with_real_schemas_and_examples_that_work(web: Any) -> None:
    openapi = (await web.get("/openapi.json")).json()
    schemas = openapi["components"]["schemas"]
    assert set(openapi["paths"]) == {door.path for door in DOORS}
    assert schemas["ContactEvent"]["properties"]["enqueued"] == {"$ref": "#/components/schemas/Enqueued"}
    for door in DOORS:
        operation = openapi["paths"][door.path][door.verb.lower()]
        (answer,) = operation["responses"]["200"]["content"].values()
        assert answer["schema"]["$ref"].rpartition("/")[2] in schemas
        if door.verb == "POST":
            example = operation["requestBody"]["content"]["application/json"]["example"]
            assert (await web.post(door.path, json=example)).status_code == 200

"""Two tenants on one system, with the same ids, queues and agents: nothing of one is ever seen by the other."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from grpc import StatusCode

import whole_log
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.contact_event_pb2 import ContactAlias, ContactName
from holdfast.log.v1 import log_service_pb2
from holdfast.metrics.v1.metrics_service_pb2 import RebuildFactsRequest
from holdfast_testing import eventually_blocking
from public_doors import MONDAY, Doors, Teller, asking, caught_up, record, refused
from system_testing import System

pytestmark = pytest.mark.timeout(600)

TENANT_SCOPES = (
    *("events:write", "events:read", "callers:resolve", "customers:erase"),
    *("figures:read", "people:read"),
)
"""What a tenant's own people may have: nothing of the log, nothing of an operator."""
NUMBER = "+493055579901"
SHARED, AGENT = "support", "anna"


@dataclass
class Tenant:
    """One tenant: its doors and what it told."""

    name: str
    token: str
    calls: httpx.Client
    metrics: httpx.Client
    told: list[dict[str, Any]]

    @property
    def contacts(self) -> list[str]:
        """Its contacts."""
        return sorted({event["contact"]["contact_id"] for event in self.told})


@pytest.fixture(scope="module")
def doors(system: System) -> Doors:
    return Doors.of(system.ready, system.data)


@pytest.fixture(scope="module")
def tenants(doors: Doors) -> Iterator[tuple[Tenant, Tenant]]:
    """Give two tenants: both have a queue and an agent of the same name and a caller of the same number."""
    made = []
    for name, contacts in (("acme", 2), ("zenith", 3)):
        chance = random.Random(name)  # noqa: S311  # made-up ids
        token = doors.token(name, scopes=TENANT_SCOPES)
        tenant = Tenant(name, token, doors.call_events(token), doors.metrics(token), [])
        teller = Teller(chance)
        for _ in range(contacts):
            tenant.told += teller.answered(SHARED, AGENT, wait=contacts, talk=60, number=NUMBER)
        tenant.told += teller.abandoned(f"only-{name}", wait=4)
        made.append(tenant)
    for tenant in made:
        assert all("recorded" in verdict for verdict in record(tenant.calls, tenant.told))
    caught_up(doors)
    yield made[0], made[1]
    for tenant in made:
        tenant.calls.close()
        tenant.metrics.close()


def events_of(tenant: Tenant) -> list[str]:
    """Return the ids of all events that a tenant can read."""
    answer = tenant.calls.get("/v1/events", params={"limit": 1000}).raise_for_status().json()
    return [one["contact_event"]["event"]["event_id"] for one in answer["events"]]


def report(tenant: Tenant, path: str = "/v1/queues") -> Any:
    return tenant.metrics.get(path, params=MONDAY).raise_for_status().json()


def test_each_reads_its_own_events_and_no_others(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant in tenants:
        assert events_of(tenant) == [event["event_id"] for event in tenant.told]


def test_the_same_event_id_told_by_both_is_two_events(doors: Doors, tenants: tuple[Tenant, Tenant]) -> None:
    teller = Teller(random.Random("both"))  # noqa: S311  # made-up ids
    event = teller.event(teller.new_id(), 0, note_added={"text": "x"})
    for tenant in tenants:
        (verdict,) = record(tenant.calls, [event])
        assert not verdict["recorded"].get("duplicate"), tenant.name
        tenant.told.append(event)
    log = whole_log.read(doors.addresses.call_events_log, doors.token())
    whole_log.assert_whole(log)


def test_a_contact_of_the_other_is_not_found_and_looks_like_none(tenants: tuple[Tenant, Tenant]) -> None:
    for one, other in (tenants, tenants[::-1]):
        for contact in other.contacts:
            if contact in one.contacts:
                continue
            answer = one.calls.get(f"/v1/contacts/{contact}")
            none = one.calls.get("/v1/contacts/00000000-0000-4000-8000-000000000000")
            assert (answer.status_code, answer.json()) == (none.status_code, none.json()) == (404, none.json())


def test_lists_hold_ones_own_contacts_only(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant in tenants:

        def listed(tenant: Tenant = tenant) -> bool:
            answer = tenant.calls.get("/v1/contacts", params={"page_size": 500}).json()
            return sorted(one["contact_id"] for one in answer.get("contacts", [])) == tenant.contacts

        assert eventually_blocking(listed)


def test_an_alias_of_the_other_names_nothing(doors: Doors, tenants: tuple[Tenant, Tenant]) -> None:
    one, other = tenants
    contact = other.told[0]["contact"]["contact_id"]
    known = [ContactAlias(kind="linkedid", native_id="shared.1", source_id="pbx")]
    event = Teller(random.Random("alias")).event(contact, 9, note_added={"text": "y"})  # noqa: S311
    event["contact"]["also_known_as"] = [{"kind": "linkedid", "native_id": "shared.1", "source_id": "pbx"}]
    record(other.calls, [event])
    other.told.append(event)
    asked = pb.GetContactRequest(contact=ContactName(alias=known[0]))
    found = asking(doors, lambda stub: stub.GetContact(asked), other.token)
    assert found.contact.contact_id == contact
    answer = asking(doors, lambda stub: refused(stub.GetContact(asked)), one.token)
    assert answer.status is StatusCode.NOT_FOUND


@pytest.mark.parametrize("door", ["/v1/events?limit=2", "/v1/contacts?page_size=1"])
def test_a_cursor_of_the_other_is_refused(tenants: tuple[Tenant, Tenant], door: str) -> None:
    one, other = tenants
    page = other.calls.get(door).json()
    token = page.get("cursor") or page.get("next_page_token")
    assert token
    name = "cursor" if "cursor" in page else "page_token"
    answer = one.calls.get(f"{door}&{name}={token}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "WRONG_CURSOR")
    assert other.calls.get(f"{door}&{name}={token}").status_code == 200


def test_cursors_tell_nothing_of_the_volume_of_others(tenants: tuple[Tenant, Tenant]) -> None:
    one, _ = tenants
    page = one.calls.get("/v1/events", params={"limit": 1000}).json()
    envelopes = json.dumps([event["contact_event"]["envelope"] for event in page["events"]])
    assert '"position"' not in envelopes
    status = one.metrics.get("/v1/status").json()
    assert {log["position"] for log in status["as_of"]["logs"].values()} <= {0}
    assert status["rows"]["contact"] == len(one.contacts)


def test_the_same_number_is_another_caller_for_each(tenants: tuple[Tenant, Tenant]) -> None:
    asked = {"number": NUMBER}
    refs = [tenant.calls.post("/v1/callers:resolve", json=asked).json() for tenant in tenants]
    assert not any(ref.get("created") for ref in refs), "both had told it"
    assert refs[0]["caller_ref"] != refs[1]["caller_ref"]
    one, _ = tenants
    foreign = one.calls.post("/v1/customers:erase", json={"caller_ref": refs[1]["caller_ref"]})
    assert foreign.json().get("keys_destroyed", 0) == 0
    again = [tenant.calls.post("/v1/callers:resolve", json=asked).json()["caller_ref"] for tenant in tenants]
    assert again == [ref["caller_ref"] for ref in refs]


def test_figures_are_of_ones_own_contacts_only(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant, contacts in zip(tenants, (2, 3), strict=True):
        rows = {row["queue"]: row for row in report(tenant)["rows"]}
        assert sorted(rows) == sorted([SHARED, f"only-{tenant.name}"])
        assert (rows[SHARED]["answered"], rows[SHARED]["wait_answered_seconds"]) == (contacts, contacts * contacts)
        agents = report(tenant, "/v1/agents")["rows"]
        assert [(row["agent"], row["contacts"]) for row in agents] == [(AGENT, contacts)]
        card = report(tenant, f"/v1/agents/{AGENT}/scorecard")
        assert next(one for one in card["figures"] if one["name"] == "aht")["all"]["n"] == contacts


def test_an_explanation_shows_ones_own_events_only(tenants: tuple[Tenant, Tenant]) -> None:
    one, _ = tenants
    path = "/v1/figures/asa:explain"
    explained = [
        tenant.metrics.get(path, params=MONDAY | {"queue": SHARED, "page_size": 1}).json() for tenant in tenants
    ]
    for tenant, found in zip(tenants, explained, strict=True):
        assert found["fact_count"] == (2 if tenant is one else 3)
        shown = {event["event_id"] for fact in found["facts"] for event in fact["events"]}
        assert shown
        assert shown <= {event["event_id"] for event in tenant.told}
        assert {event["position"] for fact in found["facts"] for event in fact["events"]} == {0}
    foreign = one.metrics.get(path, params=MONDAY | {"queue": SHARED, "page_token": explained[1]["next_page_token"]})
    mine = [event["event_id"] for event in one.told]
    if foreign.status_code == 200:
        facts = foreign.json()["facts"]
        assert {event["event_id"] for fact in facts for event in fact["events"]} <= set(mine)
    else:
        assert foreign.json()["reason"] == "PAGE_TOKEN_INVALID"


async def test_a_tenants_people_reach_neither_the_log_nor_an_operators_doors(
    doors: Doors, tenants: tuple[Tenant, Tenant]
) -> None:
    token = tenants[0].token
    async with doors.logging(token) as log:
        for call in (
            log.GetHead(log_service_pb2.GetHeadRequest()),
            log.ReadEvents(log_service_pb2.ReadEventsRequest()),
            log.Append(log_service_pb2.AppendRequest()),
        ):
            assert (await refused(call)).status is StatusCode.PERMISSION_DENIED
    async with doors.measuring(token) as stub:
        rebuilding = stub.RebuildFacts(RebuildFactsRequest())
        assert (await refused(rebuilding.read())).status is StatusCode.PERMISSION_DENIED

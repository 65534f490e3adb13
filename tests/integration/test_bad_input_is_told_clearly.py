"""What is malformed, foreign or absurd gets a typed answer or is counted as odd; nothing is half done or leaks."""

import asyncio
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from grpc import StatusCode

import bank_months
import whole_log
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast_cli.home import Addresses
from public_doors import Doors, Teller, asking, caught_up, record, refusal_of, refused
from service_host import client
from system_testing import System

pytestmark = pytest.mark.timeout(600)

NUMBER = "+491705550199"
CARD = "4111111111111111"
SECRETS = (NUMBER, NUMBER.lstrip("+"), CARD)


@pytest.fixture(scope="module")
def doors(system: System) -> Doors:
    return Doors.of(system.ready, system.data)


@pytest.fixture
def http(doors: Doors) -> Iterator[httpx.Client]:
    with doors.call_events() as opened:
        yield opened


@pytest.fixture
def teller(chance: random.Random) -> Teller:
    return Teller(chance)


def head(doors: Doors) -> int:
    return whole_log.head(doors.addresses.call_events_log, doors.token())


def reasons(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


EXPIRED = {"exp": 1_600_000_000, "iat": 1_500_000_000, "nbf": 1_500_000_000}


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (EXPIRED, "TOKEN_EXPIRED"),
        ({"iss": "somebody"}, "TOKEN_INVALID"),
        ({"aud": "another"}, "TOKEN_INVALID"),
        ({"tenant": None}, "TOKEN_INVALID"),
        ({"nbf": 4_000_000_000}, "TOKEN_INVALID"),
    ],
)
def test_a_wrong_token_opens_no_door(doors: Doors, claims: dict[str, Any], reason: str) -> None:
    token = doors.token(**claims)
    with doors.call_events(token) as calls, doors.metrics(token) as metrics:
        assert reasons(calls.get("/v1/contacts")) == (401, reason)
        assert reasons(metrics.get("/v1/status")) == (401, reason)
    answer = asking(doors, lambda stub: refused(stub.ListContacts(pb.ListContactsRequest())), token)
    assert (answer.status, answer.reason) == (StatusCode.UNAUTHENTICATED, reason)


def test_another_issuers_token_opens_no_door(doors: Doors, tmp_path: Path) -> None:
    stranger = Doors(doors.addresses, type(doors.issuer)(tmp_path / "stranger"))
    with stranger.call_events() as calls, stranger.metrics() as metrics:
        assert reasons(calls.get("/v1/contacts")) == (401, "TOKEN_INVALID")
        assert reasons(metrics.get("/v1/status")) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize("scope", ["events:read", "figures:read", "log:read"])
def test_a_token_reaches_only_as_far_as_its_scopes(doors: Doors, teller: Teller, scope: str) -> None:
    token = doors.token(scopes=[scope])
    before = head(doors)
    with doors.call_events(token) as http:
        body = {"events": teller.abandoned("support", wait=9)}
        assert http.post("/v1/contact-events:record", json=body).status_code == 403
        assert http.post("/v1/customers:erase", json={"number": NUMBER}).status_code == 403
    assert head(doors) == before


def test_a_source_that_is_not_the_tokens_is_refused_event_by_event(doors: Doors, chance: random.Random) -> None:
    own, foreign = Teller(chance, "pbx-1"), Teller(chance, "pbx-2")
    before = head(doors)
    with doors.call_events(doors.token(sources=["pbx-1"])) as http:
        contact = own.new_id()
        events = [maker.event(contact, 0, flow_entered={"flow": "f"}) for maker in (own, foreign)]
        mine, theirs = record(http, events)
    assert "recorded" in mine
    assert (theirs["refused"]["reason"], theirs["refused"]["field"]) == ("FOREIGN_SOURCE", "source_id")
    assert head(doors) == before + 1


MISSING = [
    ("event_id", "MISSING_EVENT_ID"),
    ("contact", "MISSING_CONTACT"),
    ("event_time", "MISSING_EVENT_TIME"),
    ("source_id", "INVALID_FIELD"),
    ("flow_entered", "MISSING_BODY"),
]


@pytest.mark.parametrize(("field", "reason"), MISSING)
def test_an_event_without_what_it_needs_is_refused_and_its_neighbours_are_not(
    doors: Doors, http: httpx.Client, teller: Teller, field: str, reason: str
) -> None:
    whole = [teller.event(teller.new_id(), 0, flow_entered={"flow": "f"}) for _ in range(3)]
    del whole[1][field]
    before = head(doors)
    verdicts = record(http, whole)
    assert [("recorded" in verdict) for verdict in verdicts] == [True, False, True]
    assert verdicts[1]["refused"]["reason"] == reason
    assert head(doors) == before + 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"event_id": "17"}, "MALFORMED_ID"),
        ({"contact": {"contact_id": "17"}}, "MALFORMED_ID"),
        ({"causation_id": "x"}, "MALFORMED_ID"),
        ({"actor": "a" * 300}, "INVALID_FIELD"),
        ({"flow_entered": {"flow": "f\0g"}}, "INVALID_FIELD"),
        ({"flow_entered": {"flow": "f" * 300}}, "INVALID_FIELD"),
        ({"source_id": "s" * 300}, "INVALID_FIELD"),
    ],
)
def test_a_malformed_field_is_named(
    doors: Doors, http: httpx.Client, teller: Teller, wrong: dict[str, Any], reason: str
) -> None:
    event = teller.event(teller.new_id(), 0, flow_entered={"flow": "f"}) | wrong
    before = head(doors)
    assert refusal_of(http, [event]) == {reason}
    assert head(doors) == before


def test_an_event_id_told_again_with_another_body_is_refused(http: httpx.Client, teller: Teller) -> None:
    event = teller.event(teller.new_id(), 0, flow_entered={"flow": "f"})
    assert "recorded" in record(http, [event])[0]
    assert record(http, [event])[0]["recorded"]["duplicate"]
    assert refusal_of(http, [event | {"flow_entered": {"flow": "g"}}]) == {"EVENT_ID_REUSED"}


@pytest.mark.parametrize("when", ["1901-02-03T04:05:06Z", "2262-04-11T23:47:16.854775Z", "0001-01-01T00:00:00Z"])
def test_an_absurd_time_is_kept_as_told_and_flagged(
    doors: Doors, http: httpx.Client, teller: Teller, when: str
) -> None:
    contact = teller.new_id()
    events = [teller.event(contact, n, **body) for n, body in enumerate(_visit())]
    events[1]["event_time"] = when
    verdicts = record(http, events)
    assert "TIME_OUT_OF_RANGE" in verdicts[1]["recorded"]["notes"]
    told = http.get(f"/v1/contacts/{contact}", params={"include_events": "true"}).json()
    assert when.rstrip("Z") in json.dumps(told)
    assert any("TIME" in anomaly.get("rule", "").upper() for anomaly in told["contact"]["anomalies"]), told["contact"]
    caught_up(doors)


def _visit() -> list[dict[str, Any]]:
    answered = {"queue": "odd", "kind": "DEQUEUE_KIND_ABANDONED"}
    return [{"contact_arrived": {}}, {"enqueued": {"queue": "odd"}}, {"dequeued": answered}]


def test_a_time_outside_all_calendars_is_refused(http: httpx.Client, teller: Teller) -> None:
    event = teller.event(teller.new_id(), 0, flow_entered={"flow": "f"})
    answer = http.post("/v1/contact-events:record", json={"events": [event | {"event_time": "10000-01-01T00:00:00Z"}]})
    assert reasons(answer) == (400, "MALFORMED")


GARBAGE = [
    b"",
    b"\x00\xff\xfe garbage",
    b"[]",
    b'{"events": 7}',
    b'{"events": [{"event_id": 7}]}',
    b'{"events": [' * 2000,
    b'{"unknown_field": "+491705550199"}',
    json.dumps({"events": [{"flow_entered": {"no_such_field": CARD}}]}).encode(),
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_over_http_is_malformed_and_repeated_to_nobody(doors: Doors, http: httpx.Client, body: bytes) -> None:
    before = head(doors)
    answer = http.post("/v1/contact-events:record", content=body)
    if body:
        assert reasons(answer) == (400, "MALFORMED")
    else:
        assert answer.status_code in (200, 400)
    assert not any(secret in answer.text for secret in SECRETS)
    assert head(doors) == before


async def test_garbage_over_grpc_is_malformed_in_every_method(doors: Doors, chance: random.Random) -> None:
    async with client.connect(doors.addresses.call_events_grpc, token=doors.token()) as channel:
        for method in ("RecordContactEvents", "RecordAgentEvents", "GetContact", "EraseCustomer"):
            call = channel.unary_unary(f"/holdfast.call_events.v1.CallEventsService/{method}")
            for _ in range(5):
                answer = await refused(call(b"\xff\xff\xff" + chance.randbytes(40)))
                assert (answer.status, answer.reason) == (StatusCode.INVALID_ARGUMENT, "MALFORMED")
    async with client.connect(doors.addresses.metrics_grpc, token=doors.token()) as channel:
        call = channel.unary_unary("/holdfast.metrics.v1.MetricsService/GetQueueReport")
        answer = await refused(call(b"\xff\xff\xff"))
        assert answer.status is StatusCode.INVALID_ARGUMENT


async def test_fields_of_a_later_version_are_left_out_and_noted(doors: Doors, teller: Teller) -> None:
    event = ContactEvent(event_id=teller.new_id(), source_id="pbx", flow_entered={"flow": "f"})  # type: ignore[arg-type]
    event.contact.contact_id = teller.new_id()
    event.event_time.seconds = 1_767_614_400
    unknown = event.SerializeToString() + b"\xca\x3e\x0d" + NUMBER.encode()  # field 1001, a text
    request = b"\x0a" + bytes([len(unknown) & 0x7F | 0x80, len(unknown) >> 7]) + unknown
    async with client.connect(doors.addresses.call_events_grpc, token=doors.token()) as channel:
        method = "/holdfast.call_events.v1.CallEventsService/RecordContactEvents"
        answer = pb.RecordContactEventsResponse.FromString(await channel.unary_unary(method)(request))
        assert "UNKNOWN_FIELDS_DROPPED" in answer.verdicts[0].recorded.notes
        stub = CallEventsServiceStub(channel)
        kept = await stub.GetContact(pb.GetContactRequest(contact=event.contact, include_events=True))
        assert NUMBER.encode() not in kept.SerializeToString()


async def test_ten_megabytes_are_too_much_at_every_door(doors: Doors, teller: Teller) -> None:
    before = await asyncio.to_thread(head, doors)
    event = teller.event(teller.new_id(), 0, note_added={"text": "x" * 10_000_000})
    with doors.call_events() as http:
        assert reasons(http.post("/v1/contact-events:record", json={"events": [event]}))[0] == 413
    async with client.connect(doors.addresses.call_events_grpc, token=doors.token()) as channel:
        call = channel.unary_unary("/holdfast.call_events.v1.CallEventsService/RecordContactEvents")
        answer = await refused(call(b"\x0a" * 10_000_000))
        assert answer.status is StatusCode.RESOURCE_EXHAUSTED
    assert await asyncio.to_thread(head, doors) == before


def test_an_event_of_a_hundred_kilobytes_is_too_large_and_its_neighbour_is_not(
    http: httpx.Client, teller: Teller
) -> None:
    fine = teller.event(teller.new_id(), 0, note_added={"text": "short"})
    large = teller.event(teller.new_id(), 0, note_added={"text": "x" * 100_000})
    verdicts = record(http, [large, fine])
    assert verdicts[0]["refused"]["reason"] == "TOO_LARGE"
    assert "recorded" in verdicts[1]


def test_a_thousand_and_one_events_are_too_many_and_none_is_recorded(
    doors: Doors, http: httpx.Client, teller: Teller
) -> None:
    before = head(doors)
    contact = teller.new_id()
    events = [teller.event(contact, 0, flow_entered={"flow": "f"}) for _ in range(1001)]
    assert http.post("/v1/contact-events:record", json={"events": events}).status_code == 400
    assert head(doors) == before


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": "2026-01-05"},
        {"from": "yesterday", "to": "today"},
        {"from": "2026-01-05", "to": "2026-01-01"},
        {"from": "2026-01-05", "to": "2026-01-06", "time_zone": "Mars/Olympus"},
        {"from": "2026-01-05", "to": "2026-01-06", "by": "fortnight"},
        {"from": "2026-01-05", "to": "2026-01-06", "threshold_seconds": "-1"},
        {"from": "2026-01-05", "to": "2026-01-06", "figures": "no_such_figure"},
        {"from": "0001-01-01", "to": "9999-12-31", "by": "quarter_hour"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_a_reason(doors: Doors, query: dict[str, str]) -> None:
    with doors.metrics() as http:
        answer = http.get("/v1/queues", params=query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["reason"]


NOT_A_MONTH: dict[str, bytes] = {
    "empty.txt": b"",
    "prose.txt": b"Dear Sir or Madam,\nplease find enclosed\n" * 20,
    "noise.bin": random.Random(5).randbytes(50_000),  # noqa: S311  # noise
    "cut.gz": gzip.compress(b"vru+line\tcall_id\n" * 1000)[:-20],
    "table.csv": b"time,callid,queuename,agent,event\n1,2,3,4,5\n",
}


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        *(("bank-1999", name) for name in NOT_A_MONTH),
        ("asterisk-queue-log", "noise.bin"),
        ("asterisk-queue-log", "cut.gz"),
    ],
)
def test_a_file_that_is_not_the_format_is_refused_before_anything_is_told(
    system: System, doors: Doors, tmp_path: Path, verb: str, name: str
) -> None:
    file = tmp_path / name
    file.write_bytes(NOT_A_MONTH[name])
    before = head(doors)
    done = system.run("import", verb, str(file), "--json")
    assert done.returncode == 1, done.stdout
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert head(doors) == before


def test_a_file_that_is_not_there_is_said_to_be_missing(system: System) -> None:
    done = system.run("import", "bank-1999", "/no/such/january.txt")
    assert done.returncode != 0
    assert "january.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_truncated_last_line_is_counted_and_the_rest_is_told(
    system: System, tmp_path: Path, chance: random.Random
) -> None:
    calls = bank_months.month(chance, 40, 9)
    file = bank_months.write(tmp_path / "cut.txt", calls)
    file.write_bytes(file.read_bytes()[:-30])
    told = system.json("import", "bank-1999", str(file))
    assert told["oddities"]["truncated_last_line"] == 1
    assert told["contacts"] == bank_months.recount(calls[:-1]).contacts
    whole = bank_months.write(tmp_path / "whole.txt", calls)
    again = system.json("import", "bank-1999", str(whole))
    assert "truncated_last_line" not in again["oddities"]
    report = system.json("queues", "--from", "1999-09-01", "--to", "1999-10-01")
    assert bank_months.figures_of(report) == bank_months.recount(calls).figures()


def test_afterwards_no_number_stands_in_any_log_metric_or_error(
    system: System, doors: Doors, http: httpx.Client, teller: Teller
) -> None:
    contact = teller.new_id()
    for secret in SECRETS:
        for door in ("/v1/contact-events:record", "/v1/callers:resolve", "/v1/customers:erase"):
            for body in ({"number": [secret]}, {secret: 1}, {"events": [{"actor": secret, secret: 1}]}):
                assert secret not in http.post(door, json=body).text
        assert secret not in http.get(f"/v1/contacts/{secret}").text
        assert secret not in http.get("/v1/contacts", params={secret: secret, "caller_ref": secret}).text
        with doors.metrics() as metrics:
            assert secret not in metrics.get("/v1/queues", params={"from": secret, "to": secret}).text
    record(
        http,
        [
            teller.event(contact, 0, contact_arrived={"caller": {"number": NUMBER}}),
            teller.event(contact, 1, note_added={"text": f"card {CARD}"}),
            teller.event(contact, 2, leg_created={"leg_id": "x", "endpoint": f"sip:{NUMBER}@carrier"}),
            teller.event(contact, 3, input_collected={"value": CARD}),
        ],
    )
    caught_up(doors)
    shown = [*(system.data / "logs").iterdir(), system.data / "postgres" / "postgres.log"]
    texts = {str(file): file.read_text(errors="replace") for file in shown}
    assert any(texts.values()), "there are no logs to look at"
    for address in _admin(doors.addresses):
        texts[address] = httpx.get(f"http://{address}/metrics", trust_env=False).text
    assert [where for where, text in texts.items() if any(secret in text for secret in SECRETS)] == []


def _admin(addresses: Addresses) -> tuple[str, str]:
    return addresses.call_events_admin, addresses.metrics_admin

"""What is compared once all faults are over: history, log, feeds, figures and facts, and what became of callers."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

import fact_digests
import routing_verdict
from fault_suite import callers, checks, phones
from fault_suite.checks import Row
from fault_suite.feeds import read_notes
from fault_suite.log_reading import Reading, read_log
from fault_suite.replaying import read_topic, told
from fault_suite.running import Say
from fault_suite.verdict import Findings
from fault_suite.wiring import METRICS
from fault_suite.world import World
from holdfast_testing import eventually, eventually_blocking
from system_parts import WITHIN
from system_testing import run as run_command

FINISH_SECONDS = 150.0
REPORT = {"from": "2026-01-04", "to": "2026-01-08", "time_zone": "UTC"}
FIGURES = ("answered", "abandoned")
ANSWER_SECONDS = 60.0
FIRST_INCARNATION = 1
OTHERS = (phones.SOURCE, "ivr-routing")
"""Sources that tell beside the load."""


def check(world: World, findings: Findings, say: Say) -> int:
    """Compare everything; return how many events were acknowledged."""
    _check_callers(world, findings, say)
    finished = world.load.do("finish", FINISH_SECONDS)
    findings.add("stuck", not finished["finished"], "readers of the log did not come to its end")
    history = world.load.history
    reading = read_log(world.parts.addresses.call_events_log, world.parts.token())
    say(f"compared: {len(reading.rows)} events, {len(history.operations)} operations")
    checks.check_log(reading.rows, findings)
    checks.check_history(history, reading.rows, findings, OTHERS)
    _check_feeds(world, reading.rows, findings)
    _check_digests_of_flushes(world, findings)
    try:
        _check_metrics(world, reading, findings, say)
    except TimeoutError:
        findings.add("stuck", 1, "facts did not come to the end of the log")
    _check_topic(world, reading.rows, findings, say)
    return sum(len(operation.acknowledged) for operation in history.operations.values())


def _check_callers(world: World, findings: Findings, say: Say) -> None:
    """Let the phone system come to rest, and compare what it knows of its callers with routing's log."""
    findings.add("stuck", not world.phones.finish(), "the phone system's calls did not come to an end")
    came = world.phones.witness.callers()
    verdict = asyncio.run(_routing_verdict(world.parts.addresses.ivr_routing_log, world.parts.token()))
    callers.check_callers(came, verdict, phones.DEADLINE_SECONDS, findings)
    say(callers.summary(came))
    say(f"compared: {len(verdict.contacts)} contacts and {len(verdict.reservations)} reservations of routing's log")


async def _routing_verdict(address: str, token: str) -> routing_verdict.Verdict:
    """Return what routing's log tells once it has heard of every end, or when it has had the time to."""

    async def over() -> bool:
        return (await routing_verdict.read(address, token)).callers_lost == 0

    with suppress(TimeoutError):
        await eventually(over, within=WITHIN)
    return await routing_verdict.read(address, token)


def _check_feeds(world: World, log: list[Row], findings: Findings) -> None:
    """The last incarnation's events came whole; those of earlier ones came in order, as far as they came."""
    notes = read_notes(world.folder / "feeds.jsonl")
    last = {seen.feed: seen.incarnation for seen in notes}
    for seen in notes:
        checks.check_feed(seen, log, findings, whole=seen.incarnation == last[seen.feed])


def _check_topic(world: World, log: list[Row], findings: Findings, say: Say) -> None:
    """Each partition of the topic tells all its events of the present incarnation without a hole, however often.

    Facts have come to the end, so the topic has too. What a restored log had before, the topic need not tell again.
    """
    parted = [[told(record) for record in records] for records in read_topic(world.broker.bootstrap)]
    last = max((one.incarnation for records in parted for one in records), default=0)
    for number, records in enumerate(parted):
        present = [one for one in records if one.incarnation == last]
        since = present[0].prev if present and last > FIRST_INCARNATION else 0
        checks.check_partition(number, present, log, findings, since=since)
    say(f"compared: {sum(map(len, parted))} records of the topic")


def _check_digests_of_flushes(world: World, findings: Findings) -> None:
    done = run_command(world.parts.data, "audit", "verify", "--json")
    verified = done.returncode == 0 and json.loads(done.stdout)["verified"]
    findings.add("lost", not verified, f"the log's digests do not hold: {done.stderr.strip()}")


def _check_metrics(world: World, reading: Reading, findings: Findings, say: Say) -> None:
    with _metrics(world, world.parts.addresses.metrics_http) as http:
        status = _caught_up(http, len(reading.rows))
        findings.add("double_counted", abs(status["as_of"]["parked"] - world.poisons), "parked events too many or few")
        rows = http.get("/v1/queues", params=REPORT).raise_for_status().json()["rows"]
    shown = {row["queue"]: {name: float(row[name]) for name in FIGURES} for row in rows}
    checks.check_figures(shown, reading.figures(), findings)
    kept = fact_digests.digests(world.parts.facts_url)
    anew = _made_anew(world, len(reading.rows))
    checks.check_facts(kept, anew, findings)
    say(f"compared: {sum(count for count, _ in kept.values())} rows of facts, with those made anew from the log")


def _made_anew(world: World, head: int) -> Any:
    """Return the digests of facts that another metrics folds from the log's beginning, on a database of its own."""
    url = world.facts_server.create_database("anew")
    part = world.parts.another(METRICS, DATABASE_URL=url, FEED=f"grpc://{world.parts.addresses.call_events_log}")
    part.migrate()
    address = part.start()["http"]
    with _metrics(world, address) as http:
        _caught_up(http, head)
    part.kill()
    return fact_digests.digests(url)


@contextmanager
def _metrics(world: World, address: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {world.parts.token()}"}
    with httpx.Client(base_url=f"http://{address}", headers=headers, trust_env=False, timeout=ANSWER_SECONDS) as http:
        yield http


def _caught_up(http: httpx.Client, head: int) -> Any:
    def there() -> Any:
        status = http.get("/v1/status").raise_for_status().json()
        reached = min((log["position"] for log in status["as_of"]["logs"].values()), default=0)
        return status if reached >= head else None

    return eventually_blocking(there, within=WITHIN)

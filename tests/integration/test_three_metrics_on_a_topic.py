"""Three metrics that share a topic, killed all the while, beside one that reads the log: the same facts."""

import asyncio
import random
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import bank_months
import system_parts
from fact_digests import digests
from holdfast_testing import eventually
from public_doors import Doors, caught_up
from system_parts import WITHIN, Part, Parts
from system_testing import HOLDFAST

pytestmark = pytest.mark.timeout(240)

CALLS = 1200
KILLS = 4
PARTITIONS = 6


@pytest.fixture
def parts(folder: Path) -> Iterator[Parts]:
    with system_parts.started(folder / "parts") as running:
        yield running


def three_metrics(parts: Parts, facts: str, feed: str) -> list[Part]:
    """Start three instances on one database of facts and one topic."""
    instances = [parts.another("metrics", DATABASE_URL=facts, FEED=feed) for _ in range(3)]
    instances[0].migrate()
    for one in instances:
        one.start()
    return instances


def test_three_metrics_on_a_topic_killed_all_the_while_hold_the_facts_of_the_log(
    parts: Parts, folder: Path, chance: random.Random, kafka_bootstrap: str
) -> None:
    topic = f"call-events-{secrets.token_hex(4)}"
    relay = parts.relay(kafka_bootstrap, topic, PARTITIONS=str(PARTITIONS))
    relay.start()
    facts = parts.database("facts_of_the_topic")
    feed = f"kafka://{kafka_bootstrap}/{topic}?log={parts.addresses.call_events_log}"
    instances = three_metrics(parts, facts, feed)
    calls = bank_months.month(chance, CALLS)
    file = bank_months.write(folder / "month.txt", calls)
    command = [HOLDFAST, "import", "bank-1999", str(file), "--data", str(parts.data), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as importing:
        for number in range(KILLS):
            victim = instances[number % 3]
            assert victim.kill() == -signal.SIGKILL
            victim.start()
        assert relay.kill() == -signal.SIGKILL
        relay.start()
        _, errors = importing.communicate()
    assert importing.returncode == 0, errors
    caught_up(Doors(parts.addresses, parts.issuer()))
    expected = digests(parts.url)

    async def equal() -> bool:
        assert await asyncio.to_thread(digests, facts) == expected
        return True

    asyncio.run(eventually(equal, within=WITHIN))
    assert expected["queue_visit"][0] > 0
    assert all(one.alive for one in instances), instances[0].last_words()

"""Three metrics that share a topic, killed all the while, beside one that reads the log: the same facts."""

import asyncio
import random
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import bank_months
import system_parts
import whole_log
from fact_digests import digests
from holdfast_testing import eventually
from public_doors import Doors, caught_up
from system_parts import WITHIN, Part, Parts
from system_testing import HOLDFAST

pytestmark = pytest.mark.timeout(300)

MONTH = Path(__file__).parents[3] / "shared/data/bank_1999/january.txt.gz"
"""The real month; where it is not there, one is made up of so many calls."""
CALLS = 12_000
FEWEST_KILLS, MOST_KILLS = 6, 60
KILLS_FOR_A_RELAY = 8
"""Of so many kills one is the relay's: its successor waits until its lease is over."""
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


def killed_until(over: Callable[[], bool], instances: Sequence[Part], relay: Part, chance: random.Random) -> None:
    """Kill one part after the other and start it again until all is over, a few at least."""
    for kills in range(MOST_KILLS):
        if kills >= FEWEST_KILLS and over():
            return
        victim = relay if kills % KILLS_FOR_A_RELAY == 0 else chance.choice(instances)
        assert victim.kill() == -signal.SIGKILL
        victim.start()  # a second or two, in which the others go on
    raise AssertionError(f"nothing came to its end within {MOST_KILLS} kills")


def test_three_metrics_on_a_topic_killed_all_the_while_hold_the_facts_of_the_log(
    parts: Parts, folder: Path, chance: random.Random, kafka_bootstrap: str
) -> None:
    topic = f"call-events-{secrets.token_hex(4)}"
    relay = parts.relay(kafka_bootstrap, topic, PARTITIONS=str(PARTITIONS))
    relay.start()
    facts = parts.database("facts_of_the_topic")
    feed = f"kafka://{kafka_bootstrap}/{topic}?log={parts.addresses.call_events_log}"
    instances = three_metrics(parts, facts, feed)
    file = MONTH if MONTH.is_file() else bank_months.write(folder / "month.txt", bank_months.month(chance, CALLS))
    command = [HOLDFAST, "import", "bank-1999", str(file), "--data", str(parts.data), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as importing:

        def caught_up_with_all() -> bool:
            head = whole_log.head(parts.addresses.call_events_log, parts.token())
            reached = parts.postgres.query("select min(position) from metrics.cursor", "facts_of_the_topic")
            return importing.poll() is not None and int(reached or 0) >= head > 0

        killed_until(caught_up_with_all, instances, relay, chance)
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

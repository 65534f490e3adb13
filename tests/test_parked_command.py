"""The command about parked events, asked of a metrics that is really served."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
from typer.testing import CliRunner

from event_log.memory import MemoryLog
from fact_rows import GENERATION, LOG, TENANT, prepare
from holdfast_cli.__main__ import made
from metrics_serving import Metrics, serving

CONTACT = "6f6f9c5c-4f9e-5a55-8c44-3d4d0c6bb0a1"


async def parked(address: str, *positions: int, log_id: str = LOG) -> None:
    connection = await asyncpg.connect(address)
    try:
        for position in positions:
            await connection.execute(
                "insert into metrics.parked_event (schema_name, log_id, position, tenant, category, key, type, reason)"
                " values ($1, $2, $3, $4, 'contact', $5, 'Enqueued', 'could not be folded')",
                *(GENERATION, log_id, position, TENANT, CONTACT),
            )
    finally:
        await connection.close()


async def typed(metrics: Metrics, *words: str) -> tuple[int, Any]:
    """Run the command; return its exit status and its document, or its words where there is none."""
    where = ["--metrics", metrics.grpc_address, "--token", metrics.token()]
    done = await asyncio.to_thread(CliRunner().invoke, made("parked"), ["parked", *words, *where])
    return done.exit_code, json.loads(done.stdout) if "--json" in words and not done.exception else done.output


async def test_parked_events_are_listed_shown_and_skipped(fresh_database: str, tmp_path: Path) -> None:
    await prepare(fresh_database)
    async with serving(fresh_database, tmp_path / "issuer", MemoryLog()) as metrics:
        assert (await typed(metrics, "list"))[1].startswith("No event is parked")
        await parked(fresh_database, 5, 9)
        status, document = await typed(metrics, "list", "--json")
        assert (status, document["total"]) == (0, 2)
        assert [row["position"] for row in document["rows"]] == [5, 9]
        assert "could not be folded" in (await typed(metrics, "list"))[1]
        status, event = await typed(metrics, "show", "9", "--json")
        assert (status, event["type"], event["stream_id"]) == (0, "Enqueued", CONTACT)
        assert (await typed(metrics, "show", "7", "--json"))[0] == 1
        await parked(fresh_database, 9, log_id="routing")
        assert (await typed(metrics, "show", "9"))[0] == 1
        assert (await typed(metrics, "retry", "9"))[0] == 1
        assert (await typed(metrics, "show", "9", "--log-id", "routing", "--json"))[1]["log_id"] == "routing"
        assert (await typed(metrics, "skip", "9", "--reason", "a test", "--log-id", "nowhere"))[0] == 1
        assert (await typed(metrics, "skip", "5", "--reason", "a test", "--json"))[1]["skipped"]
        assert (await typed(metrics, "retry", "5", "--json"))[0] == 1
        assert [row["position"] for row in (await typed(metrics, "list", "--json"))[1]["rows"]] == [9, 9]

"""``python -m connectors simulated --routing … --call-events … --token-file … [--scenario FILE]``.

Runs a simulated phone system until its calls are over, or it is told to stop. One line of JSON says how it went.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Final

import jwt
import uvloop
from pydantic import ValidationError

from connectors.clock import now_us
from connectors.simulated.scenario import Scenario
from connectors.simulated.system import Doors, SimulatedPhoneSystem
from service_host import client

USAGE_ERROR: Final = 2


def main() -> None:
    """Do what the arguments say."""
    given = _arguments()
    try:
        scenario = Scenario.model_validate_json(given.scenario.read_text()) if given.scenario else Scenario()
    except (OSError, ValidationError) as wrong:
        sys.stderr.write(f"The scenario cannot be used: {wrong}\n")
        raise SystemExit(USAGE_ERROR) from None
    uvloop.run(_run(given, scenario))


async def _run(given: argparse.Namespace, scenario: Scenario) -> None:
    def token() -> str:
        return str(given.token_file.read_text().strip())

    tenant = str(jwt.decode(token(), options={"verify_signature": False})["tenant"])
    async with (
        client.connect(given.routing, token=token) as routing,
        client.connect(given.call_events, token=token) as call_events,
    ):
        system = SimulatedPhoneSystem(scenario, tenant, Doors(routing, call_events, now_us))
        running = asyncio.create_task(system.run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        sys.stdout.write(json.dumps({"ready": True, "source": scenario.source_id}) + "\n")
        sys.stdout.flush()
        await asyncio.gather(running, return_exceptions=True)
    told = {"begun": system.calls_begun, "over": system.calls_over, "default_routes": system.default_routes}
    sys.stdout.write(json.dumps(told) + "\n")
    if not running.cancelled() and running.exception() is not None:
        raise SystemExit(f"The simulated phone system failed: {type(running.exception()).__name__}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("connectors", description="Joins a phone system to Holdfast.")
    kinds = parser.add_subparsers(required=True)
    simulated = kinds.add_parser("simulated", help="a phone system that exists in memory only")
    simulated.add_argument("--routing", required=True, help="host:port of routing, several joined by commas")
    simulated.add_argument("--call-events", required=True, help="host:port of call-events")
    simulated.add_argument("--token-file", required=True, type=Path, help="file that holds the token")
    simulated.add_argument("--scenario", type=Path, help="JSON file that says who calls and who answers")
    return parser.parse_args()


if __name__ == "__main__":
    main()

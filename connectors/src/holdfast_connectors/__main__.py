"""Joins a phone system to Holdfast, by its public doors: a simulated one, or Asterisk.

``python -m holdfast_connectors simulated …`` or ``… asterisk …``; ``--help`` tells the rest.

A line of JSON says when it runs; the simulated one ends with its last call and says how it went. SIGUSR1 tells it that
no more calls are to arrive.
"""

import argparse
import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final
from uuid import UUID

import jwt
import uvloop
from pydantic import ValidationError

from holdfast_connectors.asterisk.ami import Reading, messages
from holdfast_connectors.asterisk.ari import Access
from holdfast_connectors.asterisk.system import AsteriskPhoneSystem
from holdfast_connectors.asterisk.system import Doors as AsteriskDoors
from holdfast_connectors.clock import now_us
from holdfast_connectors.simulated.record import Record
from holdfast_connectors.simulated.scenario import Scenario
from holdfast_connectors.simulated.system import Doors, SimulatedPhoneSystem
from holdfast_connectors.teller import Teller
from service_host import client

USAGE_ERROR: Final = 2


def main() -> None:
    """Do what the arguments say."""
    given = _arguments()
    uvloop.run(given.run(given))


async def _simulated(given: argparse.Namespace) -> None:
    scenario = _scenario(given.scenario)
    token = _token_of(given.token_file)
    async with (
        client.connect(given.routing, token=token) as routing,
        client.connect(given.call_events, token=token) as call_events,
    ):
        record = Record(given.record, now_us)
        system = SimulatedPhoneSystem(scenario, _tenant(token()), Doors(routing, call_events, now_us, record))
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, system.end_arrivals)
        running = _running(system.run(), scenario.source_id)
        await asyncio.gather(running, return_exceptions=True)
        record.close()
    _say(
        begun=system.calls_begun,
        over=system.calls_over,
        default_routes=system.default_routes,
        gone_unanswered=system.gone_unanswered,
        called_back=system.called_back,
    )
    _unless_failed(running)


async def _asterisk(given: argparse.Namespace) -> None:
    token = _token_of(given.token_file)
    access = Access(given.ari.rstrip("/"), given.app, given.user, _token_of(given.password_file)())
    async with (
        client.connect(given.routing, token=token) as routing,
        client.connect(given.call_events, token=token) as call_events,
    ):
        doors = AsteriskDoors(routing, call_events, now_us, _new_id)
        system = AsteriskPhoneSystem(access, _tenant(token()), given.source, doors, given.dial)
        running = _running(system.run(), given.source)
        await asyncio.gather(running, return_exceptions=True)
    _unless_failed(running)


async def _ami(given: argparse.Namespace) -> None:
    reading = Reading(given.source)
    async with client.connect(given.call_events, token=_token_of(given.token_file)) as call_events:
        teller = Teller(call_events, given.source)
        telling = asyncio.create_task(teller.run())
        for event in reading.facts(messages(_text(given.file))):
            teller.tell(event)
        await teller.drained()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    _say(told=teller.seq, messages=reading.counts)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _running(work: Coroutine[object, object, None], source: str) -> "asyncio.Task[None]":
    """Run until it is over or the process is told to stop."""
    running = asyncio.create_task(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    _say(ready=True, source=source)
    return running


def _unless_failed(running: "asyncio.Task[None]") -> None:
    if not running.cancelled() and (fault := running.exception()) is not None:
        raise SystemExit(f"The connector failed: {type(fault).__name__}.")


def _say(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _scenario(file: Path | None) -> Scenario:
    try:
        return Scenario.model_validate_json(file.read_text()) if file else Scenario()
    except (OSError, ValidationError) as wrong:
        sys.stderr.write(f"The scenario cannot be used: {wrong}\n")
        raise SystemExit(USAGE_ERROR) from None


def _token_of(file: Path) -> Callable[[], str]:
    """Give a file's secret as it is now, so that a new one is taken without a restart."""
    return lambda: file.read_text().strip()


def _tenant(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["tenant"])


def _new_id() -> UUID:
    return UUID(bytes=secrets.token_bytes(16), version=4)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("connectors", description="Joins a phone system to Holdfast.")
    kinds = parser.add_subparsers(required=True)
    simulated = kinds.add_parser("simulated", help="a phone system that exists in memory only")
    simulated.add_argument("--scenario", type=Path, help="JSON file that says who calls and who answers")
    simulated.add_argument("--record", type=Path, help="file to which it adds what became of each caller")
    simulated.set_defaults(run=_simulated)
    asterisk = kinds.add_parser("asterisk", help="Asterisk, by its REST interface")
    asterisk.add_argument("--ari", required=True, help="http://host:8088/ari")
    asterisk.add_argument("--app", default="holdfast", help="the Stasis application that calls enter")
    asterisk.add_argument("--user", required=True, help="user of ari.conf")
    asterisk.add_argument("--password-file", required=True, type=Path, help="file that holds the user's password")
    asterisk.add_argument("--dial", default="", help="calls customers back: PJSIP/{number}@trunk; left out: nobody is")
    asterisk.add_argument("--source", default="asterisk", help="the source that tokens and facts name")
    asterisk.set_defaults(run=_asterisk)
    ami = kinds.add_parser("ami", help="tell call-events what a capture of Asterisk's manager interface says")
    ami.add_argument("file", type=Path, help="the capture")
    ami.add_argument("--source", default="asterisk", help="the source that tokens and facts name")
    ami.set_defaults(run=_ami)
    for kind in (simulated, asterisk):
        kind.add_argument("--routing", required=True, help="host:port of routing, several joined by commas")
    for kind in (simulated, asterisk, ami):
        kind.add_argument("--call-events", required=True, help="host:port of call-events")
        kind.add_argument("--token-file", required=True, type=Path, help="file that holds the token")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Asking systems of the tenant's for a flow, by HTTP, within its time; what cannot be had leads to the flow's way out.

Answers are bounded. Nothing of question or answer is logged.
"""

import asyncio
import ipaddress
from collections.abc import Collection
from contextlib import aclosing
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from ivr_routing import telemetry
from ivr_routing.core.errors import Refused
from ivr_routing.errors import ShardFailed
from ivr_routing.flow import step as flow
from ivr_routing.lead.shard import Shard
from ivr_routing.loop.requests import Report

MOST_ANSWER_BYTES: Final = 65_536
MOST_AT_ONCE: Final = 200


class Lookups:
    """Lookups under way."""

    def __init__(self, hosts: Collection[str]) -> None:
        """Ask the hosts named; none named: any that is not plainly of this machine or network."""
        self._hosts = hosts
        self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False)
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    def begin(self, shard: Shard, contact_id: str, look: flow.Look) -> None:
        """Ask for what a contact's flow awaits, beside everything else."""
        contact = shard.desk.core.contacts.get(contact_id)
        if contact is None or contact.flow is None:
            return
        task = asyncio.create_task(self._ask(shard, contact_id, contact.flow.awaits_id, look))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, shard: Shard, contact_id: str, awaits_id: str, look: flow.Look) -> None:
        given: flow.Input = flow.LookupFailed()
        try:
            if len(self._under_way) <= MOST_AT_ONCE:
                async with asyncio.timeout(look.timeout.total_seconds()):
                    given = await self._answer(look)
        except Exception as error:  # noqa: BLE001  # a caller waits for it: whatever went wrong, the flow goes on
            telemetry.LOOKUP_FAILED.info(error_class=type(error).__name__)
        try:
            await shard.do(Report(contact_id, awaits_id, given))
        except (Refused, ShardFailed) as refused:
            telemetry.LOOKUP_FAILED.info(error_class=type(refused).__name__)

    async def _answer(self, look: flow.Look) -> flow.LookupAnswered:
        if not may_be_asked(look.url, self._hosts):
            raise ValueError("a host that flows may not ask")
        sent: dict[str, Any] = dict(look.send)
        query, body = (sent, None) if look.method == "GET" else (None, sent)
        asked = self._client.build_request(look.method, look.url, params=query, json=body)
        async with aclosing(await self._client.send(asked, stream=True)) as answer:
            told = b""
            async for part in answer.aiter_bytes():
                told += part
                if len(told) > MOST_ANSWER_BYTES:
                    raise ValueError("too long")
            return flow.LookupAnswered(answer.status_code, told)


def may_be_asked(url: str, hosts: Collection[str]) -> bool:
    """Whether flows may ask an address: of a host that is named, or where none is, of any but those inside.

    A name is not looked up here: that a public name leads inside is for the network's own rules to refuse.
    """
    host = urlsplit(url).hostname or ""
    if hosts:
        return host in hosts
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal", "."))

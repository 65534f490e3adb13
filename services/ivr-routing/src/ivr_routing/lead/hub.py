"""Who waits for news: phone systems for instructions, desktops for reservations. Bounded; who is too slow is let go.

News comes only after it is durable. Nobody is waited for: a reader who does not keep up begins anew.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

MOST_WAITING: Final = 2_000
SIGN_OF_LIFE_SECONDS: Final = 1.0

_News = TypeVar("_News")


class TooSlow(Exception):
    """A reader did not keep up."""


class Subscription(Generic[_News]):
    """One reader's news, in order."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[_News | None] = asyncio.Queue(MOST_WAITING)
        self._lost = False

    def put(self, news: _News | None) -> None:
        """Hand news over; None ends the reading."""
        if self._waiting.full():
            self._lost = True
            self._waiting.get_nowait()
        self._waiting.put_nowait(news)

    async def read(self) -> AsyncIterator[_News | None]:
        """Yield news, and None now and then as a sign of life; ends when told to; raises TooSlow."""
        while True:
            try:
                async with asyncio.timeout(SIGN_OF_LIFE_SECONDS):
                    news = await self._waiting.get()
            except TimeoutError:
                yield None
                continue
            if self._lost:
                raise TooSlow
            if news is None:
                return
            yield news


class Hub(Generic[_News]):
    """News by topic."""

    def __init__(self) -> None:
        self._readers: defaultdict[str, dict[Subscription[_News], None]] = defaultdict(dict)

    @contextmanager
    def subscribed(self, *topics: str) -> Iterator[Subscription[_News]]:
        """A subscription to some topics for as long as the context lasts."""
        subscription: Subscription[_News] = Subscription()
        for topic in topics:
            self._readers[topic][subscription] = None
        try:
            yield subscription
        finally:
            for topic in topics:
                self._readers[topic].pop(subscription, None)
                if not self._readers[topic]:
                    del self._readers[topic]

    def wanted(self, topic: str) -> bool:
        """Whether anybody reads a topic."""
        return topic in self._readers

    def publish(self, topic: str, news: _News) -> None:
        """Hand news to everybody who reads a topic."""
        for subscription in tuple(self._readers.get(topic, ())):
            subscription.put(news)

    def close(self) -> None:
        """End everybody's reading."""
        for readers in self._readers.values():
            for subscription in readers:
                subscription.put(None)

"""Pages of a feed are taken by the handful, whatever their size, and no more is read ahead than a handful."""

from collections.abc import AsyncIterator, Sequence

from event_log.model import Cursor, PackedPage
from event_log.packed import pack
from holdfast_testing import eventually
from metrics.fact.batch import COLUMNS
from metrics.follow.pages import PAGES_AHEAD, handfuls
from told_contacts import chance_of, contacts, placed

EVENTS = placed(contacts(chance_of(1), 20))


def page(first: int, count: int) -> PackedPage:
    events = EVENTS[first - 1 : first - 1 + count]
    return PackedPage(pack(events, COLUMNS), Cursor("log", 1, events[-1].position), len(EVENTS))


class Feed:
    """Pages that are all there, and how many of them were taken."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes
        self.read = 0

    async def pages(self) -> AsyncIterator[PackedPage]:
        first = 1
        for size in self._sizes:
            self.read += 1
            yield page(first, size)
            first += size


async def test_what_waits_in_many_small_pages_is_one_handful() -> None:
    taken = handfuls(Feed([1] * 40).pages(), most=30)
    assert [[each.count for each in found] async for found in taken] == [[1] * 30, [1] * 10]


async def test_of_large_pages_few_are_read_ahead() -> None:
    feed = Feed([20] * 5)
    taken = handfuls(feed.pages(), most=10)
    assert [each.count for each in await anext(taken)] == [20]
    await eventually(lambda: feed.read > PAGES_AHEAD)
    assert feed.read <= 2 + PAGES_AHEAD
    assert sum([len(found) async for found in taken]) == 4

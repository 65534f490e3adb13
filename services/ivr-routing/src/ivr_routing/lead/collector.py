"""Python's collector of circles, kept from holding callers up: a pause of it is a pause of every caller.

It looks among few young objects at a time. What has lived for long, the desks above all, is put out of its way again
and again: to look through ten thousand agents takes a tenth of a second. What is put away is freed as ever when nobody
holds it, but for circles that became garbage late; those wait until all is looked through, between two terms.
"""

import asyncio
import gc
from typing import Final

YOUNG_OBJECTS: Final = 2_000
YOUNG_LOOKS: Final = 5
"""Looks among the young before those who outlived them are looked at: after five that takes some 3 ms."""
NEVER: Final = 1_000_000
PUT_AWAY_SECONDS: Final = 30.0


def spare_callers() -> None:
    """Collect in small steps from now on, and never everything unasked."""
    look_through()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, NEVER)


async def put_away_for_ever() -> None:
    """Put away what has outlived its youth, now and then."""
    while True:
        put_away()
        await asyncio.sleep(PUT_AWAY_SECONDS)


def put_away() -> None:
    """Put away what is there, after a look among the young: most circles are short-lived."""
    gc.collect(1)
    gc.freeze()


def look_through() -> None:
    """Look through everything, and put away what remains; while nobody is served."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()

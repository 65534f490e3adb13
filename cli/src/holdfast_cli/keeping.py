"""Keeps children alive: one that ends by itself is started again, but not over and over."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from holdfast_cli import output
from holdfast_cli.child import Child

MOST_STARTS = 5
WITHIN_SECONDS = 60.0
"""A part that ended more often than so within this time is broken, and no accident."""


def kept(children: list[Child], place: int) -> Callable[[], str]:
    """Give what looks after the child at a place: it answers with the child's name once it is given up, else nothing.

    Whoever ends the children finds in the list those that live now. Call it from the main thread.
    """
    ends: deque[float] = deque(maxlen=MOST_STARTS)

    def look() -> str:
        child, now = children[place], time.monotonic()
        if child.alive():
            return ""
        if len(ends) == MOST_STARTS and now - ends[0] < WITHIN_SECONDS:
            return f"{child.name} (see {child.program.log})"
        ends.append(now)
        child.end(0)
        output.note(f"{child.name} ended by itself and is started again: what was acknowledged is kept.")
        children[place] = child.program.start()
        return ""

    return look

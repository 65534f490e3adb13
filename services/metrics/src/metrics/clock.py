"""The time of day, read at the edge and handed in."""

import time


def now_us() -> int:
    """Return microseconds since 1970 UTC."""
    return time.time_ns() // 1000

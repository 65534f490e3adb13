"""What a process tells those who run it, read at its admin port: its figures, and whether it wants calls."""

from collections.abc import Mapping
from typing import Any

import httpx

ANSWER_SECONDS = 60.0


def figures(address: str) -> Mapping[str, float]:
    """Return the figures without labels, by name."""
    pairs = (line.rsplit(" ", 1) for line in _told(address, "metrics").text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs if "{" not in name}


def readiness(address: str) -> Mapping[str, bool]:
    """Return what the process says of itself and of each thing that it needs."""
    answers: dict[str, Any] = _told(address, "readyz").json()
    return answers


def _told(address: str, what: str) -> httpx.Response:
    return httpx.get(f"http://{address}/{what}", trust_env=False, timeout=ANSWER_SECONDS)

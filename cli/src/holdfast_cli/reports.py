"""Figures asked of metrics, as it gives them; how they look on the terminal is in ``report_tables``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from holdfast_cli import system
from holdfast_cli.home import Running
from holdfast_cli.options import About, Days, Shown


@dataclass(frozen=True, slots=True)
class Terms:
    """Thresholds in seconds: of the service level, and below which a wait before leaving is a short abandon."""

    threshold_seconds: float = 20.0
    short_abandon_seconds: float = 5.0


def queues(running: Running, days: Days, shown: Shown, *, terms: Terms = Terms(), credit: str = "") -> dict[str, Any]:
    """Return the queue report: as_of, rows, total."""
    return system.get(running, "/v1/queues", {**_of(days), **_shown(shown), "credit": credit, **asdict(terms)})


def agents(running: Running, days: Days, shown: Shown) -> dict[str, Any]:
    """Return handle times by agent, in order of name: as_of, rows."""
    return system.get(running, "/v1/agents", {**_of(days), **_shown(shown)})


def flows(running: Running, days: Days, *, by_node_path: bool) -> dict[str, Any]:
    """Return what became of contacts in flows, by version or by the way they took: as_of, rows, total."""
    asked = {"by_node_path": str(by_node_path).lower(), "figures": "misroute_rate"}
    return system.get(running, "/v1/flows", {**_of(days), **asked})


def scorecard(
    running: Running, agent: str, days: Days, *, long_wait_seconds: float = 120.0, figures: str = "", purpose: str = ""
) -> dict[str, Any]:
    """Return one agent's figures with their context."""
    asked = {"long_wait_seconds": long_wait_seconds, "figures": _listed(figures), "purpose": purpose}
    return system.get(running, f"/v1/agents/{quote(agent, safe='')}/scorecard", {**_of(days), **asked})


def explain(running: Running, figure: str, days: Days, about: About, terms: Terms = Terms()) -> dict[str, Any]:
    """Return the facts and events behind a figure."""
    path = f"/v1/figures/{quote(figure, safe='@.')}:explain"
    return system.get(running, path, {**_of(days), **asdict(about), **asdict(terms)})


def _of(days: Days) -> dict[str, object]:
    return {"from": days.from_date, "to": days.to_date, "time_zone": days.time_zone}


def _shown(shown: Shown) -> dict[str, object]:
    return {**asdict(shown), "figures": _listed(shown.figures)}


def _listed(figures: str) -> str:
    """Return names as typed, without the spaces that people put after commas."""
    return "".join(figures.split())

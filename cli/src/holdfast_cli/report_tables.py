"""Figures as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast_cli import output
from holdfast_cli.output import clock, percent

FACTS_SHOWN = 5
MARKS_SHOWN = 5
SIDES = ("all", "in_agents_hands")
FRACTION = ("numerator", "denominator")
INSUFFICIENT = "* insufficient evidence: too few to conclude anything"


def show_queues(report: Mapping[str, Any], threshold_seconds: float) -> None:
    """Print the queue report as a table with its total."""
    level = f"≤ {threshold_seconds:g} s"
    rated = bool(_csat(report["total"], "all"))
    columns = ["queue", "offered", "answered", "lost", "lost %", "in IVR", "asa", level, "aht"]
    columns += ["csat", "in hands"] if rated else []
    cut = bool(report["rows"]) and "interval_start" in report["rows"][0]
    rows = [[*_start(row, cut=cut), *_queue_cells(row), *_csat_cells(row, rated=rated)] for row in report["rows"]]
    whole = {**report["total"], "queue": "all"}
    total = [*([""] if cut else []), *_queue_cells(whole), *_csat_cells(whole, rated=rated)]
    output.table(_title("Queues", report), [*(["from"] if cut else []), *columns], rows, footer=total)
    output.say(
        "offered: with those sent on by rule (full, closed, timeout …) · lost: left unanswered · in IVR: apart", "dim"
    )
    if rated:
        output.say("csat: mean rating, 1 to 5 · in hands: without what lay outside the agents' hands", "dim")
    _show_open(report["total"])
    _show_in_full("queue", [*report["rows"], {**report["total"], "queue": "all"}])
    show_as_of(report)


def show_agents(report: Mapping[str, Any]) -> None:
    """Print handle times by agent, in order of name."""
    cut = bool(report["rows"]) and "interval_start" in report["rows"][0]
    rows = [
        [
            *_start(row, cut=cut),
            row["agent"] or "(unknown)",
            row["contacts"],
            clock(row["handle_seconds"]),
            clock(row["aht_seconds"]),
        ]
        for row in report["rows"]
    ]
    columns = [*(["from"] if cut else []), "agent", "contacts", "handle time", "aht"]
    output.table(_title("Agents", report), columns, rows)
    _show_in_full("agent", report["rows"])
    show_as_of(report)


def _show_open(total: Mapping[str, Any]) -> None:
    """Say what may still change, and that waits of several clocks stand in one figure."""
    if total.get("provisional"):
        output.say(f"{output.counted(total['waiting'], 'visit')} still waiting: figures are provisional", "dim")
    if total.get("wait_clock") == "mixed":
        output.say("waits were taken from several clocks: --json tells which, row by row", "dim")


def _show_in_full(subject: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the figures that were asked for by name, each with what is needed to judge it."""
    cut = any("interval_start" in row for row in rows)
    cells = [[*_start(row, cut=cut), row[subject] or "(unknown)", *one] for row in rows for one in _in_full(row)]
    if cells:
        columns = [subject, "figure", "version", "value", "numerator", "denominator", "n", "95 %"]
        output.say()
        output.table("Figures asked for", [*(["from"] if cut else []), *columns], cells)
        output.say(INSUFFICIENT, "dim")


def _in_full(row: Mapping[str, Any]) -> list[list[object]]:
    """Write the figures of a row, versions of one after the other."""
    ordered = sorted(row.get("figures", []), key=lambda one: (one["name"], one["formula_version"]))
    return [
        [one["name"], one["formula_version"], shown(one), *(f"{one[side]:,.10g}" for side in FRACTION), one["n"],
         spread(one)]
        for one in ordered
    ]  # fmt: skip


def show_flows(report: Mapping[str, Any]) -> None:
    """Print what became of callers in flows, by version, or by the way they took."""
    rows = [_flow_cells(row) for row in report["rows"]]
    total = _flow_cells({**report["total"], "flow": "all", "flow_version": "", "node_path": ""})
    columns = ["flow", "version", "way~", "entered", "contained", "contained %", "left in IVR", "misrouted"]
    output.table(_title("Flows", report), columns, rows, footer=total)
    output.say("misrouted: of those bridged, passed on as a misroute or soon elsewhere · *: too few to conclude", "dim")
    show_as_of(report)


def _flow_cells(row: Mapping[str, Any]) -> list[object]:
    counts = [row["entered"], row["contained"], percent(row["containment_rate"]), row["abandoned_ivr"]]
    misrouted = " ".join(shown(figure) for figure in row["figures"] if figure["name"] == "misroute_rate")
    return [row["flow"], row["flow_version"], row["node_path"], *counts, misrouted]


def show_scorecard(card: Mapping[str, Any]) -> None:
    """Print all evidence beside what was in the agent's hands, and what was left out and why."""
    seen = [figure for figure in card["figures"] if figure["all"]["n"]]
    rows = [_scorecard_cells(figure) for figure in seen]
    columns = ["figure~", "all", "n", "95 %", "in hands", "n"]
    output.table(_title(f"Scorecard of {card['agent']}", card), columns, rows)
    if any(figure[side].get("insufficient_evidence") for figure in seen for side in SIDES):
        output.say(INSUFFICIENT, "dim")
    if nothing := [figure["all"]["name"] for figure in card["figures"] if not figure["all"]["n"]]:
        output.say(f"No evidence of {', '.join(nothing)}.", "dim")
    _show_left_out(card)
    for remark in card.get("notes", []):
        output.say(f"· {remark}", "dim")
    show_as_of(card)


def _show_left_out(card: Mapping[str, Any]) -> None:
    """Print how many observations each figure leaves out, figures that leave out the same together; then some marks."""
    names: dict[str, list[str]] = {}
    for figure in card["figures"]:
        if counts := figure.get("left_out"):
            words = ", ".join(f"{count:,} {mark}" for mark, count in counts.items())
            names.setdefault(words, []).append(figure["all"]["name"])
    marks = card.get("marks", [])
    if not names and not marks:
        return
    output.say("Outside the agent's hands, so left out there:", "bold")
    for words, figures in names.items():
        output.say(f"{words}  of {', '.join(figures)}", indent=2)
    for mark in marks[:MARKS_SHOWN]:
        output.say(f"contact {mark['contact_id']}: {mark['mark']}, {mark['reason']}", "dim", indent=2)
    if len(marks) > MARKS_SHOWN:
        output.say(f"… and {len(marks) - MARKS_SHOWN:,} more, all in --json", "dim", indent=2)


def show_explanation(explained: Mapping[str, Any]) -> None:
    """Print the formula, the figure twice (from facts, from events) and the first facts with their events."""
    figure, again, meaning = explained["figure"], explained.get("recomputed"), explained["definition"]
    output.fields(
        f"{figure['name']}, version {figure['formula_version']}",
        {
            "formula": meaning["formula"],
            "numerator": f"{figure['numerator']:,.10g}   {meaning['numerator']}",
            "denominator": f"{figure['denominator']:,.10g}   {meaning['denominator']}",
            "value": shown(figure),
            "95 % interval": spread(figure) or None,
            "again, from events": shown(again) if again else explained.get("not_recomputed") or None,
            "facts behind it": explained["fact_count"],
        },
    )
    facts = explained["facts"][:FACTS_SHOWN]
    output.say()
    output.say(f"The first {len(facts)} of them, with their events and positions in the log", "bold")
    for fact in facts:
        output.say(f"contact {fact['contact_id']}: {fact['reason']}", indent=2)
        output.say(f"adds {fact['numerator']:g} of {fact['denominator']:g}: {_events(fact['events'])}", "dim", indent=4)
    show_as_of(explained)


def shown(figure: Mapping[str, Any]) -> str:
    """Write a figure's value in its unit, starred where the evidence is too little."""
    return written(figure.get("value"), str(figure["unit"])) + ("*" if figure.get("insufficient_evidence") else "")


def written(value: float | None, unit: str) -> str:
    """Write a value in its unit."""
    match unit:
        case "ratio":
            return percent(value)
        case "seconds":
            return output.NOTHING if value is None else f"{value:,.1f} s"
        case "rating":
            return output.NOTHING if value is None else f"{value:.2f}"
        case _:
            return output.NOTHING if value is None else f"{value:,.0f}"


def spread(figure: Mapping[str, Any]) -> str:
    """Write a figure's 95 % interval, empty if it has none."""
    low, high = figure.get("interval_low"), figure.get("interval_high")
    unit = str(figure["unit"])
    if low is None or high is None:
        return ""
    return f"{written(low, unit).removesuffix(' %').removesuffix(' s')} to {written(high, unit)}"


def show_as_of(answer: Mapping[str, Any]) -> None:
    """Print how current an answer is, and what it lacks."""
    as_of = answer["as_of"]
    places = ", ".join(f"{place['position']:,} of {name}" for name, place in as_of["logs"].items() if place["position"])
    silent = "current" in as_of and not as_of["current"] and not as_of.get("behind")
    now = f"as of {as_of['heard_time'] or 'no time'}" if silent else "as of now"
    words = [f"as of position {places}" if places else now]
    if silent:
        words.append(f"NOT CURRENT: the log was last heard of at {as_of['heard_time'] or 'no time yet'}")
    if as_of.get("behind"):
        words.append(f"{output.counted(as_of['behind'], 'event')} behind")
    if as_of.get("parked"):
        words.append(f"{output.counted(as_of['parked'], 'event')} parked: `holdfast doctor` tells more")
    output.say("; ".join(words), "dim")


def _title(what: str, report: Mapping[str, Any]) -> str:
    interval = report.get("interval")
    return f"{what}, {interval['time_zone']} time" if interval else what


def _start(row: Mapping[str, Any], *, cut: bool) -> list[object]:
    """Write where a row's part begins, nothing in a total; no cell where nothing is cut."""
    return [row.get("interval_start", "").replace("T", " ")[:16]] if cut else []


def _queue_cells(row: Mapping[str, Any]) -> list[object]:
    return [
        row["queue"],
        row["offered"],
        row["answered"],
        row["abandoned"],
        percent(row["abandon_rate"]),
        row["abandoned_ivr"],
        clock(row["asa_seconds"]),
        percent(row["service_level"]["offered"]),
        clock(row["aht_seconds"]),
    ]


def _csat(row: Mapping[str, Any], side: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = (row.get("csat") or {}).get(side)
    return found


def _csat_cells(row: Mapping[str, Any], *, rated: bool) -> list[object]:
    """Write both mean ratings with n and interval, if any rating stands in the report."""
    return [_rating(_csat(row, side)) for side in SIDES] if rated else []


def _rating(found: Mapping[str, Any] | None) -> str:
    if not found:
        return output.NOTHING
    star = "*" if found["insufficient_evidence"] else ""
    return f"{written(found['value'], 'rating')}{star} ({spread({**found, 'unit': 'rating'}) or '?'}; n {found['n']:,})"


def _scorecard_cells(figure: Mapping[str, Any]) -> list[object]:
    everything, own = figure["all"], figure["in_agents_hands"]
    return [everything["name"], shown(everything), everything["n"], spread(everything), shown(own), own["n"]]


def _events(events: Sequence[Mapping[str, Any]]) -> str:
    """Write events with their positions; where they stand in several logs, log by log."""
    logs = dict.fromkeys(event.get("log_id", "") for event in events)
    told = {
        log: [f"{one['type']} {one['position']:,}" for one in events if one.get("log_id", "") == log] for log in logs
    }
    if len(told) < 2:  # noqa: PLR2004  # one log needs no name
        return ", ".join(one for found in told.values() for one in found)
    return "; ".join(f"{', '.join(found)} of {log}" for log, found in told.items())

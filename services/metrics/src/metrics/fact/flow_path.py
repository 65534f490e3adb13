"""The view `metrics.flow_path`: each contact's way through flows, put together from its steps; no connection here."""

from typing import Final

SENTENCE: Final = "The way of a contact through IVR flows, as routing walked it."
COLUMNS: Final = {
    "tenant": "Organisation.",
    "contact_id": "Contact.",
    "flow": "The flow it entered first.",
    "flow_version": "Version of that flow.",
    "node_path": "Nodes passed, in order, with ' > ' between them.",
    "outcome": "How it was left last: queue, transfer, callback, voicemail, hang_up, self_served, caller_gone, fault.",
    "started_time": "When it entered; microseconds since 1970 UTC.",
}


def create_flow_path(schema: str) -> list[str]:
    """Return the statements that make the view over the tables of a generation."""
    return [
        "drop view if exists metrics.flow_path cascade",
        f"""create view metrics.flow_path as
select tenant, contact_id, (array_agg(flow order by position))[1] as flow,
    (array_agg(flow_version order by position))[1] as flow_version,
    coalesce(string_agg(nullif(nodes, ''), ' > ' order by position), '') as node_path,
    coalesce((array_agg(outcome order by position desc) filter (where outcome <> ''))[1], '') as outcome,
    min(step_time) as started_time
from "{schema}".flow_step group by tenant, contact_id""",  # noqa: S608  # a schema's checked name
        f"comment on view metrics.flow_path is '{SENTENCE}'",
    ]

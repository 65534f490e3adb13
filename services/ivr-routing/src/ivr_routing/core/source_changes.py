"""What events of sources change in a core. Nothing is judged here."""

from ivr_routing.core import events as e
from ivr_routing.core.due import DueKind
from ivr_routing.core.source import Doubt
from ivr_routing.core.state import Core


def doubted(core: Core, event: e.SourceDoubted, _: int) -> None:
    held = Doubt(event.source_id, event.gap_us, event.since_us, event.due_us)
    core.doubts.setdefault(event.source_id, []).append(held)
    core.dues.add(event.due_us, DueKind.DOUBT, event.source_id)


def trusted(core: Core, event: e.SourceTrusted, _: int) -> None:
    left = [held for held in core.doubts.pop(event.source_id, ()) if held.since_us != event.since_us]
    if left:
        core.doubts[event.source_id] = left

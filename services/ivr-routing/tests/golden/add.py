"""Add a golden log of routing: what was written for an earlier release stays as it is, whatever fails.

Usage: python services/ivr-routing/tests/golden/add.py NAME SEED…     (writes NAME.jsonl and NAME.core.json beside this)
"""

import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "tests" / "support"))

from ivr_routing import event_codec  # noqa: E402  # as above
from ivr_routing.core import commands as c  # noqa: E402  # as above
from routing_chance import HAPPENINGS, AnyCentre  # noqa: E402  # found by the line above
from routing_laws import summary  # noqa: E402  # as above
from routing_testing import contact_id  # noqa: E402  # as above


def main(name: str, *seeds: str) -> None:
    """Let a few centres live by fixed seeds: chosen so that the types that are to be kept are decided."""
    cores = []
    with (HERE / f"{name}.jsonl").open("x", encoding="utf-8") as file:
        for number, seed in enumerate(seeds):
            centre = lived(random.Random(int(seed)))  # noqa: S311  # the same for ever
            cores.append(summary(centre.core))
            for time_us, event in centre.log:
                kind, payload = event_codec.encode(event)
                line = {"centre": number, "time_us": time_us, "type": kind, "payload": payload.hex()}
                file.write(json.dumps(line) + "\n")
    (HERE / f"{name}.core.json").write_text(json.dumps(cores, indent=1, sort_keys=True) + "\n")


def lived(chance: random.Random) -> AnyCentre:
    """Return a centre in which things have happened, and a contact has walked through a flow."""
    centre = AnyCentre()
    walker = contact_id("in a flow")
    centre.tell(c.AdmitContact(walker, "pbx"))
    centre.tell(c.StartFlow(walker, "welcome", "1", "service_number", b"begun"))
    centre.tell(c.TakeFlowStep(walker, ("menu",), "typed 1", b"walked"))
    for _ in range(70):
        centre.happen((chance.randrange(len(HAPPENINGS)), chance.randrange(20), chance.randrange(20)))
    if walker in centre.core.contacts:
        centre.tell(c.FinishFlow(walker, "menu", "hang_up"))
    return centre


if __name__ == "__main__":
    main(*sys.argv[1:])

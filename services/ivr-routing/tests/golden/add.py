"""Write the golden log of routing: once for a release, never to make a failing test pass.

Usage: python services/ivr-routing/tests/golden/add.py     (writes log.jsonl and core.json beside this file)
"""

import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "tests" / "support"))

from ivr_routing import event_codec  # noqa: E402  # as above
from routing_chance import HAPPENINGS, AnyCentre  # noqa: E402  # found by the line above
from routing_laws import summary  # noqa: E402  # as above

CENTRES = 14


def main() -> None:
    """Let a few centres live by fixed seeds, so that most types are decided."""
    cores = []
    with (HERE / "log.jsonl").open("w", encoding="utf-8") as file:
        for number in range(CENTRES):
            centre = lived(random.Random(number))  # noqa: S311  # the same for ever
            cores.append(summary(centre.core))
            for time_us, event in centre.log:
                name, payload = event_codec.encode(event)
                line = {"centre": number, "time_us": time_us, "type": name, "payload": payload.hex()}
                file.write(json.dumps(line) + "\n")
    (HERE / "core.json").write_text(json.dumps(cores, indent=1, sort_keys=True) + "\n")


def lived(chance: random.Random) -> AnyCentre:
    """Return a centre in which things have happened."""
    centre = AnyCentre()
    for _ in range(70):
        centre.happen((chance.randrange(len(HAPPENINGS)), chance.randrange(20), chance.randrange(20)))
    return centre


if __name__ == "__main__":
    main()

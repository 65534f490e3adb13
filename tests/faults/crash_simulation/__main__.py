"""Tries seed after seed and says how many were wrong.

Usage: python -m crash_simulation [--seeds N] [--first N]
"""

import argparse
import sys
from collections.abc import Callable, Mapping

from crash_simulation.reader_trial import reader_trial
from crash_simulation.relay_trial import Outcome, relay_trial
from crash_simulation.routing_trial import routing_trial
from service_host import logs

SEEDS = 10_000
TRIALS: Mapping[str, Callable[[int], Outcome]] = {
    "relay": relay_trial,
    "reader": reader_trial,
    "routing": routing_trial,
}
SAY_EVERY = 500


def main() -> int:
    """Try; 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds of each trial")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="", help="only the trial of this name")
    told = parser.parse_args()
    logs.configure("crash-simulation", "error")
    trials = {name: trial for name, trial in TRIALS.items() if told.only in name}
    return sum([_tried(name, trial, range(told.first, told.first + told.seeds)) for name, trial in trials.items()])


def _tried(name: str, trial: Callable[[int], Outcome], seeds: range) -> int:
    violations = deaths = 0
    for seed in seeds:
        outcome = trial(seed)
        deaths += outcome.deaths
        for wrong in outcome.wrong:
            violations += 1
            _say(f"{name}: seed {seed}: {wrong}")
        if (seed - seeds.start + 1) % SAY_EVERY == 0:
            _say(f"{name}: {seed - seeds.start + 1} of {len(seeds)} seeds, {deaths} deaths, {violations} violations")
    _say(f"{name}: seeds={len(seeds)} deaths={deaths} violations={violations}")
    return int(violations > 0)


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

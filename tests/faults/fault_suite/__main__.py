"""Puts faults on a whole running system and says in one line what became of it.

Usage: python -m fault_suite [--seed N] [--minutes M] [--faults N] [--only KIND] [--instead SERVICE MODULE] [--keep]
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

from fault_suite import ending, verdict
from fault_suite.catalogue import catalogue
from fault_suite.disk import INSIDE, with_own_mounts
from fault_suite.history import ASK, TELL, longest_silence
from fault_suite.running import Size, Tally, run
from fault_suite.verdict import Findings, Run
from fault_suite.world import World, made

MINUTES = 10.0
FAULTS = 60


def main() -> int:
    """Run, with a mount namespace of our own where that is allowed; 0 if nothing was wrong."""
    told = _arguments()
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "yes"
        command = with_own_mounts([sys.executable, "-m", "fault_suite", *sys.argv[1:]])
        os.execvp(command[0], command)  # noqa: S606  # ourselves
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # and end all that was started
    seed = told.seed if told.seed is not None else SystemRandom().randrange(1 << 32)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-faults-"))
    folder.chmod(0o711)
    _say(f"seed {seed} (SEED={seed} puts the same faults in the same order); everything lies in {folder}")
    size, findings = Size(told.faults, told.minutes * 60), Findings()
    status = concluded(lambda tally: _run(folder, seed, size, told, tally, findings), seed, findings)
    if not told.keep and findings.clean:
        shutil.rmtree(folder, ignore_errors=True)
    return status


def concluded(run: Callable[[Tally], Run], seed: int, findings: Findings) -> int:
    """Run, say the verdict whatever becomes of that, and return the exit status."""
    tally = Tally()
    try:
        done = run(tally)
    except Exception as error:  # noqa: BLE001  # a run that breaks off has shown nothing, and must say so
        traceback.print_exc()
        where = " and ".join(tally.under_way.values()) or "no fault"
        findings.add("stuck", 1, f"the run broke off with {where} under way: {type(error).__name__}: {error}")
        done = Run(tally.faults, len(tally.kinds), 0, 0.0, tally.recoveries, seed)
    _say_verdict(done, findings)
    return verdict.exit_status(findings)


def _run(folder: Path, seed: int, size: Size, told: argparse.Namespace, tally: Tally, findings: Findings) -> Run:
    with made(folder, seed, dict(told.instead)) as world:
        lanes = {
            lane: {name: fault for name, fault in faults.items() if told.only in name}
            for lane, faults in catalogue(world, _say).items()
        }
        asyncio.run(run(world, lanes, tally, seed, size, findings, _say))
        _say(f"in {tally.led_on} of {tally.faults} faults the process that led callers was killed or frozen")
        acknowledged = ending.check(world, findings, _say)
        return _summed_up(world, tally, acknowledged, seed)


def _summed_up(world: World, tally: Tally, acknowledged: int, seed: int) -> Run:
    attempts = world.load.history.attempts
    last = max((attempt.ended for attempt in attempts if attempt.door == TELL), default=0.0)
    silent = max(longest_silence(attempts, door, last) for door in (TELL, ASK))
    return Run(tally.faults, len(tally.kinds), acknowledged, silent, tally.recoveries, seed)


def _say_verdict(done: Run, findings: Findings) -> None:
    for words in findings.words:
        _say(words)
    _say(verdict.bound(done.faults) if findings.clean else "Something is wrong; the folder above is kept.")
    _say(verdict.line(done, findings))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeats a run's faults in their order")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long faults come, at least")
    parser.add_argument("--faults", type=int, default=FAULTS, help="how many faults come, at least")
    parser.add_argument("--only", default="", help="only the kinds of fault with this in their name")
    parser.add_argument(
        "--instead",
        nargs=2,
        metavar=("SERVICE", "MODULE"),
        action="append",
        default=[],
        help="run this module as the service, which must have broken something that the run is to find",
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder with history, logs and data")
    return parser.parse_args()


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""The short run of the fault suite: every kind of fault at least once, on a whole system of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

FAULTS = 60
RUN_SECONDS = 1_500
"""What it may take on a machine that is busy with other things; on two quiet cores it takes some four minutes."""
CLEAN = re.compile(
    r"^faults=(\d+) kinds=(\d+) acked=(\d+) lost=0 double_counted=0 phantom=0 reordered=0"
    r" callers_lost=0 agents_double=0 ended_twice=0 stuck=0 max_unavailable="
)
PATHS = os.pathsep.join(str(Path(__file__).parent.parent / name) for name in ("faults", "support"))


@pytest.mark.timeout(RUN_SECONDS + 60)
def test_nothing_is_lost_or_counted_twice_whatever_fails(chance: Random) -> None:
    seed = chance.randrange(1 << 32)
    done = subprocess.run(
        [sys.executable, "-m", "fault_suite", "--faults", str(FAULTS), "--minutes", "0", "--seed", str(seed)],
        env=os.environ | {"PYTHONPATH": PATHS},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    print(done.stdout)  # noqa: T201  # what the run was
    verdict = CLEAN.match(done.stdout.splitlines()[-1] if done.stdout else "")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert verdict is not None
    assert int(verdict[1]) >= FAULTS
    assert int(verdict[2]) > 0

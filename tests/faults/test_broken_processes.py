"""The suite itself, on a whole system of which one real process has a mechanism built wrong: its verdict says so."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN_SECONDS = 300
"""What a run may take on a machine that is busy with other things; on a quiet one it is half a minute."""
COUNTED = re.compile(r" (\w+)=(\d+)(?= )")
KEPT = re.compile(r"everything lies in (.+)")
PATHS = os.pathsep.join(str(Path(__file__).parent.parent / name) for name in ("faults", "support"))


def verdict(service: str, program: str, only: str) -> tuple[int, dict[str, int]]:
    """Run a service as a broken program under the faults it cannot bear; return exit status and counts."""
    broken = ["--instead", service, f"broken_processes.{program}"]
    done = subprocess.run(
        [sys.executable, "-m", "fault_suite", "--faults", "1", "--minutes", "0", "--only", only, *broken],
        env=os.environ | {"PYTHONPATH": PATHS},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    print(done.stdout, done.stderr)  # noqa: T201  # what the run was
    if kept := KEPT.search(done.stdout):
        shutil.rmtree(kept[1], ignore_errors=True)
    return done.returncode, {name: int(count) for name, count in COUNTED.findall(done.stdout.splitlines()[-1])}


@pytest.mark.timeout(RUN_SECONDS + 30)
def test_a_relay_that_moves_its_checkpoint_before_the_acknowledgement_is_caught() -> None:
    status, counts = verdict("relay", "hasty_relay", "relay_killed")
    assert (status, counts["stuck"]) == (1, 0)
    assert counts["lost"] > 0


@pytest.mark.timeout(RUN_SECONDS + 30)
def test_metrics_whose_cursors_move_outside_the_transaction_of_the_facts_is_caught() -> None:
    status, counts = verdict("metrics", "parted_metrics", "metrics_killed")
    assert (status, counts["stuck"]) == (1, 0)
    assert counts["double_counted"] > 0

"""Everything that is claimed about speed, one measurement after the other, each in a process of its own.

Usage: python -m bench [NAME …]     (all when none is named)
"""

import subprocess
import sys

MEASUREMENTS = {
    "append": ["bench.append", "--peer"],
    "read": ["bench.read"],
    "record": ["bench.record"],
    "facts": ["bench.facts", "--peer"],
    "month": ["bench.month"],
    "feed": ["bench.feed"],
    "feed-latency": ["bench.feed", "--rate", "1000"],
    "backlog": ["bench.feed", "--backlog", "60", "--rate", "2000"],
    "takeover": ["bench.feed", "--takeover"],
    "routing-service": ["bench.routing_service"],
    "routing_core": ["bench.routing_core"],
    "relay": ["bench.relay"],
}


def main() -> int:
    """Run the named measurements; the number that failed is the exit status."""
    names = sys.argv[1:] or list(MEASUREMENTS)
    if unknown := sorted(set(names) - set(MEASUREMENTS)):
        sys.exit(f"bench: there is no {', '.join(unknown)}; choose from {', '.join(MEASUREMENTS)}.")
    failed = 0
    for name in names:
        print(f"\n== {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", *MEASUREMENTS[name]], check=False).returncode != 0  # noqa: S603  # ours
    return failed


if __name__ == "__main__":
    sys.exit(main())

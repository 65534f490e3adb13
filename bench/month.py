"""How long a month of calls takes from its file to figures that can be read, and what memory each process needs.

Each round starts a system of its own with `holdfast up` and imports the file with `holdfast import`. With --times the
same month is imported again and again under other dates into one system, to see whether memory stays flat.

Usage: python -m bench.month [--month FILE] [--rounds N] [--times N]
"""

import argparse
import gzip
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

MONTH = Path(__file__).resolve().parents[2] / "shared" / "data" / "bank_1999" / "january.txt.gz"
HOLDFAST = Path(sys.executable).parent / "holdfast"
DATE_COLUMN = 5
SAMPLE_SECONDS = 0.2
OTHER_MONTHS = ("9901", "9801", "9701", "9601", "9501", "9401", "9301", "9201", "9101", "9903")
"""Months of 31 days, as the archive writes them."""


class Memory:
    """The most resident memory that each process of a system had, by name, in MB."""

    def __init__(self, root: int) -> None:
        """Watch a process and its children, which are known by their modules."""
        self.most: dict[str, float] = {}
        self._root = psutil.Process(root)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            for process in self._root.children():
                try:
                    words = process.cmdline()
                    mb = process.memory_info().rss / 1e6
                except psutil.NoSuchProcess:
                    continue
                name = words[words.index("-m") + 1] if "-m" in words else "postgres"
                self.most[name] = max(self.most.get(name, 0.0), mb)

    def end(self) -> dict[str, float]:
        """Stop watching; return what was seen."""
        self._ended.set()
        self._thread.join()
        return self.most


@contextmanager
def system() -> Iterator[tuple[Path, int]]:
    """Run a system of its own; gives its folder and process id."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        Path(folder).chmod(0o711)
        data = Path(folder) / "data"
        command = [str(HOLDFAST), "up", "--data", str(data), "--port-base", "0", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as up:  # noqa: S603  # ours
            assert up.stdout is not None
            assert json.loads(up.stdout.readline())["ready"]
            try:
                yield data, up.pid
            finally:
                up.send_signal(signal.SIGTERM)
                up.wait(30)


def imported(data: Path, file: Path) -> dict[str, Any]:
    """Import a file into a system; return what the command says, with its whole time as `whole_seconds`."""
    began = time.monotonic()
    command = [str(HOLDFAST), "import", "bank-1999", str(file), "--data", str(data), "--json"]
    done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # ours
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary | {"whole_seconds": time.monotonic() - began}


def under_another_date(month: Path, prefix: str, folder: Path) -> Path:
    """Return a copy of a month whose dates begin with another year and month."""
    text = gzip.decompress(month.read_bytes()).decode() if month.suffix == ".gz" else month.read_text()
    copy = folder / f"{prefix}.txt"
    with copy.open("w") as out:
        for line in text.splitlines(keepends=True):
            cells = line.split("\t")
            if cells[DATE_COLUMN].isdigit():
                cells[DATE_COLUMN] = prefix + cells[DATE_COLUMN][len(prefix) :]
            out.write("\t".join(cells))
    return copy


def one_month(month: Path, rounds: int) -> None:
    """Print the times of single imports into fresh systems."""
    acknowledged: list[float] = []
    readable: list[float] = []
    most: dict[str, float] = {}
    for _ in range(rounds):
        with system() as (data, pid):
            memory = Memory(pid)
            summary = imported(data, month)
            seen = memory.end()
        most = {name: max(mb, most.get(name, 0.0)) for name, mb in seen.items()}
        acknowledged.append(summary["seconds"])
        readable.append(summary["readable_seconds"])
        print(
            f"  {summary['events']:,} events  acknowledged {acknowledged[-1]:.1f} s  readable {readable[-1]:.1f} s",
            flush=True,
        )
    for name, times in (("acknowledged", acknowledged), ("readable", readable)):
        spread = f"{min(times):.1f} to {max(times):.1f}"
        print(f"  file → {name}: median {statistics.median(times):.1f} s ({spread}), {rounds} rounds")
    print("  most memory, MB: " + ", ".join(f"{name} {mb:.0f}" for name, mb in sorted(most.items())))


def many_months(month: Path, times: int) -> None:
    """Print times and memory as the same month is imported under other dates into one system."""
    with system() as (data, pid), tempfile.TemporaryDirectory() as folder:
        for prefix in OTHER_MONTHS[:times]:
            memory = Memory(pid)
            summary = imported(data, under_another_date(month, prefix, Path(folder)))
            seen = ", ".join(f"{name} {mb:.0f}" for name, mb in sorted(memory.end().items()))
            print(
                f"  {prefix}: {summary['events']:,} events  readable {summary['readable_seconds']:.1f} s  MB: {seen}",
                flush=True,
            )


def main() -> None:
    """Measure what the arguments say."""
    words = argparse.ArgumentParser(
        prog="bench.month", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    words.add_argument("--month", type=Path, default=MONTH)
    words.add_argument("--rounds", type=int, default=4)
    words.add_argument("--times", type=int, default=0, help="months into one system, instead")
    given = words.parse_args()
    if not given.month.exists():
        sys.exit(f"bench.month: {given.month.name} is not there; name a month of the archive with --month.")
    many_months(given.month, given.times) if given.times else one_month(given.month, given.rounds)


if __name__ == "__main__":
    main()

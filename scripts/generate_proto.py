"""Generate proto/gen from proto/holdfast: messages, services and their types.

Usage: ``python scripts/generate_proto.py`` writes the tree; with ``--check`` it writes nothing and exits 1 when the
committed tree is not what the present .proto files give.
"""

import argparse
import filecmp
import re
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

import google.protobuf
import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "proto"
GENERATED = SOURCES / "gen"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
SITE_PACKAGES = Path(google.protobuf.__file__).parents[2]
"""Holds googleapis-common-protos (google/rpc), should one of our files import from it."""
DECLARES_SERVICE = re.compile(r"^service \w+", re.MULTILINE)


def proto_files() -> list[Path]:
    """Return every .proto file of ours, sorted so that the outcome never depends on the disk."""
    return sorted((SOURCES / "holdfast").rglob("*.proto"))


def generate(target: Path) -> None:
    """Write the whole generated tree into an empty folder; raise SystemExit with protoc's own words when it refuses."""
    namespace = target / "holdfast"
    namespace.mkdir(parents=True)
    (namespace / "py.typed").touch()
    files = proto_files()
    if not files:
        return
    services = [file for file in files if DECLARES_SERVICE.search(file.read_text())]
    run_protoc(files, [f"--python_out={target}", f"--mypy_out=quiet:{target}"])
    if services:
        run_protoc(services, [f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}"])


def run_protoc(files: list[Path], outputs: list[str]) -> None:
    """Run protoc with the plugins of this environment."""
    scripts = Path(sysconfig.get_path("scripts"))
    plugins = [f"--plugin={name}={scripts / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    includes = [f"-I{folder}" for folder in (SOURCES, WELL_KNOWN, SITE_PACKAGES)]
    if protoc.main(["protoc", *plugins, *includes, *outputs, *map(str, files)]) != 0:
        sys.exit("proto: protoc refused; its reasons stand above")


def listing(folder: Path) -> list[Path]:
    """Return the files that belong to the tree, relative to it (Python's own caches do not)."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts and ".egg-info" not in str(path))


def differences(fresh: Path, kept: Path) -> list[str]:
    """Name the files that are missing, left over or different."""
    new, old = set(listing(fresh)), set(listing(kept))
    changed = {path for path in new & old if not filecmp.cmp(fresh / path, kept / path, shallow=False)}
    return sorted(str(path) for path in (new ^ old) | changed)


def install(fresh: Path) -> None:
    """Bring the committed tree to the fresh one, touching only files that differ."""
    for name in differences(fresh, GENERATED):
        source, kept = fresh / name, GENERATED / name
        if source.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, kept)
        else:
            kept.unlink()


def main() -> None:
    """Generate, or check that generating would change nothing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the tree is not current")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "gen"
        generate(fresh)
        if not check:
            install(fresh)
        elif stale := differences(fresh, GENERATED):
            sys.exit(f"proto: proto/gen is not current ({', '.join(stale)}); run: make proto")


if __name__ == "__main__":
    main()

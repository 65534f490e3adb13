"""Write the JSON Schema of flow documents, for the package and for readers of docs/.

Usage: ``python scripts/write_flow_schema.py``; with ``--check`` it writes nothing and exits 1 when a file is not what
the present declaration gives.
"""

import argparse
import sys
from pathlib import Path

from ivr_routing.flow import schema

ROOT = Path(__file__).resolve().parent.parent
FILES = (
    ROOT / "services/ivr-routing/src/ivr_routing/flow" / schema.FILE,
    ROOT / "docs/flows" / schema.FILE,
)


def main() -> None:
    """Write, or check that writing would change nothing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    check, text = parser.parse_args().check, schema.text()
    stale = [file for file in FILES if not file.exists() or file.read_text(encoding="utf-8") != text]
    if check and stale:
        names = ", ".join(str(file.relative_to(ROOT)) for file in stale)
        sys.exit(f"flow schema: {names} is not current; run: python scripts/write_flow_schema.py")
    for file in [] if check else stale:
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""What tests of every service share about what it tells of itself: each name is declared, and in one place."""

import ast
from collections.abc import Iterator
from importlib import import_module, resources
from pathlib import Path

from service_host.telemetry import declared

DECLARING = "service_host.telemetry"
NEEDS_NO_DECLARATION = {"tracing", "traceparent"}


def not_declared(asked: tuple[str, ...], service: str) -> list[str]:
    """Return the words that stand in no name of a service (`holdfast.<service>.…`)."""
    names = [found.name for found in declared() if found.name.startswith(f"holdfast.{service}.")]
    return [word for word in asked if not any(word in name for name in names)]


def told_elsewhere(package: str) -> list[str]:
    """Return what a package tells that its `telemetry` does not declare, and where it declares beside it."""
    known = {name for name in vars(import_module(f"{package}.telemetry")) if name.isupper()}
    found: list[str] = []
    for file in Path(str(resources.files(package))).rglob("*.py"):
        tree = ast.parse(file.read_text())
        found += [f"{file.name}: {name}" for name in _told(tree) if name not in known]
        if file.name != "telemetry.py":
            found += [f"{file.name}: {name}" for name in _made(tree) if name not in NEEDS_NO_DECLARATION]
    return found


def _told(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="telemetry"), attr=name) if name.isupper():
                yield name


def _made(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == DECLARING:
            yield from (name.name for name in node.names)

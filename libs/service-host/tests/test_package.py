import ast
import importlib
import inspect
import textwrap

import service_host


def example() -> ast.Module:
    """The program in the package's docstring: what follows the first ``::``."""
    text = inspect.getdoc(service_host) or ""
    lines = text.split("::\n", 1)[1].splitlines()
    end = next(number for number, line in enumerate(lines) if line and not line.startswith(" "))
    return ast.parse(textwrap.dedent("\n".join(lines[:end])))


def test_the_example_of_a_services_main_names_only_what_there_is() -> None:
    imports = [node for node in ast.walk(example()) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if (node.module or "").startswith("service_host")]
    assert ours
    for node in ours:
        module = importlib.import_module(node.module or "")
        for alias in node.names:
            if not hasattr(module, alias.name):
                importlib.import_module(f"{node.module}.{alias.name}")

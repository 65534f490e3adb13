"""A part that ends by itself is started again, and given up when it ends over and over."""

from pathlib import Path

from holdfast_cli import keeping
from holdfast_cli.child import Program
from holdfast_testing import eventually_blocking


def test_a_part_that_ends_over_and_over_is_given_up_and_named(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    children = [Program("part", ("this",), {}, log).start()]  # the module only prints a poem and ends
    look = keeping.kept(children, 0)
    first = children[0].pid

    eventually_blocking(look)

    assert look() == f"part (see {log})"
    assert children[0].pid != first
    children[0].end(0)

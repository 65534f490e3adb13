"""Bundles of options: one option for each field, one parameter for the command."""

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from holdfast_cli.options import Json, bundled


@dataclass(frozen=True, slots=True)
class Colours:
    """A bundle for these tests."""

    sky: Annotated[str, typer.Option("--sky", help="Colour of the sky.")]
    grass: Annotated[str, typer.Option("--grass")] = "green"


def paint(wall: Annotated[str, typer.Argument()], colours: Colours, *, json: Json = False) -> None:
    """Tell what was understood."""
    typer.echo(f"{wall} {colours.sky} {colours.grass} {json}")


@pytest.fixture
def app() -> typer.Typer:
    """Give an app of the one command."""
    made = typer.Typer()
    made.command()(bundled(paint))
    return made


def test_each_field_is_an_option_and_the_command_gets_the_bundle(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["north", "--sky", "blue", "--grass", "yellow", "--json"])
    assert shown.output == "north blue yellow True\n"


def test_a_fields_default_is_the_options_default(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["north", "--sky", "blue"]).output == "north blue green False\n"


def test_a_field_without_a_default_must_be_given(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["north"]).exit_code == 2


def test_the_commands_own_words_stay() -> None:
    assert inspect.getdoc(bundled(paint)) == "Tell what was understood."
    assert list(inspect.signature(bundled(paint)).parameters) == ["wall", "sky", "grass", "json"]

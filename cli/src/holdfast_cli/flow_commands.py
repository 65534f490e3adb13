"""Commands about IVR flows: flow lint, try, publish, list, show."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.ivr_routing.v1.administration_service_pb2 import FlowProblem, PublishFlowRequest, PublishFlowResponse
from holdfast.ivr_routing.v1.administration_service_pb2_grpc import AdministrationServiceStub
from holdfast_cli import flow_list, options, output, system
from holdfast_cli.flows import script, showing, trying
from holdfast_cli.home import Running
from holdfast_cli.options import Json, Where
from holdfast_cli.output import CommandFailed
from ivr_routing.flow.flow import Flow, lint, load
from ivr_routing.flow.problem import FlowRefused, Problem
from ivr_routing.flow.step import Context

File = Annotated[Path, typer.Argument(metavar="FILE", help="The flow, YAML or JSON.", show_default=False)]
Words = Annotated[list[str] | None, typer.Option("--attribute", metavar="NAME=VALUE", help="What the caller brings.")]
Waits = Annotated[list[str] | None, typer.Option("--wait", metavar="QUEUE=SECONDS", help="Estimated wait of a queue.")]
Answers = Annotated[
    list[str] | None, typer.Option("--answer", metavar="NODE=JSON", help="What a lookup answers; else it fails.")
]
Numbers = Annotated[
    list[str] | None,
    typer.Option("--service-number", metavar="NUMBER", help="A number that leads to it; else those it names."),
]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, when, and what they type."""

    typed: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="1,77#,-,…", help="What is typed; - is nothing. Also hangup, back. Else asked."
        ),
    ] = None
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="When they call; else now.")] = ""
    language: Annotated[str, typer.Option(help="Language they ask for, BCP 47.")] = ""
    service_number: Annotated[str, typer.Option("--called", metavar="NUMBER", help="Number that they call.")] = ""
    customer: Annotated[str, typer.Option(help="The customer, as you name them; else unknown.")] = ""
    withheld: Annotated[bool, typer.Option("--withheld", help="Their number is not known.")] = False
    repeat: Annotated[bool, typer.Option("--repeat", help="They called about the same before.")] = False
    open_case: Annotated[bool, typer.Option("--open-case", help="They have a case open.")] = False


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Check, try and publish IVR flows.", no_args_is_help=True)
    group.command("lint")(lint_flow)
    group.command("try")(options.bundled(try_flow))
    group.command("publish")(options.bundled(publish_flow))
    group.command("list")(options.bundled(flow_list.list_flows))
    group.command("show")(options.bundled(flow_list.show_flow))
    app.add_typer(group, name="flow", rich_help_panel="Routing")


def lint_flow(file: File, *, json: Json = False) -> None:
    """Say everything that is wrong with a flow, with its line and what to do; exit status 1 if anything is."""
    text = _text(file)
    found = lint(text)
    if json:
        flow = None if found else load(text)
        named = {"flow": flow.name, "version": flow.version, "content_hash": flow.content_hash} if flow else {}
        output.as_json({**named, "problems": [problem.as_json() for problem in found]})
    elif found:
        showing.problems(found, str(file))
    else:
        flow = load(text)
        output.say(f"{flow.name}, version {flow.version}: {len(flow.document.nodes)} nodes, no problems.")
    if found:
        raise typer.Exit(1)


def try_flow(
    file: File,
    caller: Caller,
    attribute: Words = None,
    wait: Waits = None,
    answer: Answers = None,
    *,
    json: Json = False,
) -> None:
    """Be a caller: go through a flow on the terminal, or by a script. Nothing runs, nobody is asked or told."""
    flow = _loaded(file)
    now = script.instant(caller.at, datetime.fromtimestamp(time.time(), UTC))
    context = _context(caller, script.pairs(attribute, "--attribute"), wait)
    answers = script.pairs(answer, "--answer")
    given = script.typed(trying.asked, answers) if caller.typed is None else script.scripted(caller.typed, answers)
    steps = trying.steps_of(flow, context, now, given, shown=not json)
    if json:
        output.as_json(showing.document(flow, steps))
        return
    output.say()
    showing.events([fact for one in steps for fact in one.told])


def publish_flow(
    file: File,
    where: Where,
    service_number: Numbers = None,
    effective: Annotated[str, typer.Option(metavar="TIME", help="From when new contacts enter it; else at once.")] = "",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look only, and publish nothing.")] = False,
    json: Json = False,
) -> None:
    """Publish a flow: its version never changes again, and numbers lead to it. An older one again is rolling back."""
    request = PublishFlowRequest(document=_text(file), service_numbers=service_number or [], validate_only=dry_run)
    if effective:
        request.effective_time.CopyFrom(_timestamp(effective))
    found = system.run(_published(system.find(where), request))
    problems = tuple(_problem(problem) for problem in found.problems)
    if json:
        version = {"flow": found.flow.flow, "version": found.flow.version, "content_hash": found.flow.content_hash}
        wrong = [problem.as_json() for problem in problems]
        output.as_json({**version, "published": not (dry_run or wrong), "problems": wrong})
    elif problems:
        showing.problems(problems, str(file))
    else:
        done = "can be published" if dry_run else "is published"
        output.say(f"{found.flow.flow}, version {found.flow.version}, {done}.")
    if problems:
        raise typer.Exit(1)


async def _published(running: Running, request: PublishFlowRequest) -> PublishFlowResponse:
    async with system.ivr_routing(running) as channel:
        answer: PublishFlowResponse = await AdministrationServiceStub(channel).PublishFlow(request)
        return answer


def _context(caller: Caller, attributes: dict[str, str], wait: list[str] | None) -> Context:
    """Return what would be known of the contact."""
    waits = script.waits(wait)
    return Context(
        service_number=caller.service_number,
        language=caller.language,
        caller_ref="" if caller.withheld else "caller",
        customer_ref=caller.customer,
        repeat_contact=caller.repeat,
        open_case=caller.open_case,
        attributes=attributes,
        estimated_waits=waits,
        queue_positions=dict.fromkeys(waits, 1),
    )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file} cannot be read ({type(error).__name__}): name a flow's file, YAML or JSON in UTF-8."
        raise CommandFailed(message) from None


def _loaded(file: Path) -> Flow:
    try:
        return load(_text(file))
    except FlowRefused as refused:
        message = f"{file} has {output.counted(len(refused.problems), 'problem')}: see `holdfast flow lint {file}`."
        raise CommandFailed(message) from None


def _timestamp(text: str) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(script.instant(text, datetime.fromtimestamp(0, UTC)).astimezone(UTC))
    return stamp


def _problem(told: FlowProblem) -> Problem:
    return Problem(told.line, told.node, told.rule.lower(), told.message, told.remedy)

"""Commands for business intelligence, which reads figures by SQL: bi-reader."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import typer

from holdfast_cli import options, output
from holdfast_cli.home import Home
from holdfast_cli.options import Data, Json
from holdfast_cli.output import CommandFailed
from metrics.bi_reader import NotAReadersName, create_reader

SECRET_BYTES = 24
CONNECT_SECONDS = 5.0
PATIENCE_SECONDS = 20.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("bi-reader", rich_help_panel="Figures")(options.bundled(bi_reader))


def bi_reader(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="Name of the login, as bi_sales.", show_default=False)],
    data: Data,
    database_url: Annotated[
        str,
        typer.Option(
            "--database-url",
            metavar="URL",
            help="Database of metrics elsewhere, as its owner, with --tenant; else the running system's.",
        ),
    ] = "",
    tenant: Annotated[str, typer.Option(metavar="TENANT", help="Whose facts; else the running system's.")] = "",
    *,
    json: Json = False,
) -> None:
    """Make a login that reads a tenant's views bi.*_v1 by SQL, and nothing else; again, it gets another password."""
    if database_url and not tenant:
        raise CommandFailed("A database elsewhere holds many tenants: give --tenant too.")
    if not database_url:
        running = Home(data).running()
        database_url, tenant = running.database_url, tenant or running.tenant
    password = secrets.token_urlsafe(SECRET_BYTES)
    asyncio.run(_made(database_url, role, tenant, password))
    parts = urlsplit(database_url)
    where = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"{role}:{password}@{where}"))
    if json:
        output.as_json({"role": role, "tenant": tenant, "database_url": url})
    else:
        output.say(f"{role} reads the facts of {tenant}. Its address, with a password that is shown this once:")
        output.say_whole(f"psql '{url}' -c 'table queue_half_hour_v1'")


async def _made(database_url: str, role: str, tenant: str, password: str) -> None:
    try:
        connection = await asyncpg.connect(database_url, timeout=CONNECT_SECONDS)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await create_reader(connection, role, tenant, password)
        finally:
            connection.terminate()
    except NotAReadersName as error:
        raise CommandFailed(str(error)) from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:  # a time-out is an OSError
        message = f"The database cannot do it ({type(error).__name__}): name that of metrics, as its owner."
        raise CommandFailed(message) from None

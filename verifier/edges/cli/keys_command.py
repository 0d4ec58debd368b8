"""`verifier keys`: who may ask the service; works beside one that runs."""

from datetime import timedelta

import click
from rich import box
from rich.table import Table
from rich.text import Text

from verifier.adapters.system_clock import SystemClock
from verifier.config import Settings
from verifier.core.api_keys import DEFAULT_WORKSPACE, ApiKey, Scope
from verifier.core.faults import InputError
from verifier.edges.cli.durations import Duration
from verifier.edges.cli.event_loop import run_async
from verifier.edges.cli.session import read_settings, say
from verifier.edges.cli.terminal import results
from verifier.edges.http.site import login_link, public_url_of
from verifier.service.access import INVITE_HOLDS
from verifier.serving import open_access

_SCOPES = click.Choice([scope.value for scope in Scope])


@click.group("keys")
def keys_command() -> None:
    """Make, list and revoke keys of programs, and invite people to the page."""


@keys_command.command("create")
@click.argument("name")
@click.option("--scope", "scopes", type=_SCOPES, multiple=True, default=("verify",), help="What it may do; repeatable.")
@click.option("--expires", type=Duration(), help="How long it holds, such as 90d; else until it is revoked.")
@click.option("--rate", type=click.IntRange(0), default=600, show_default=True, help="Checks a minute; 0 is no limit.")
@click.option("--quota", type=click.IntRange(0), default=0, help="Answers a day, unknown ones free; 0 is no limit.")
@click.option("--workspace", default=DEFAULT_WORKSPACE, show_default=True, help="Whose lists it sees.")
@click.option("--origin", "origins", multiple=True, help="Whose pages may use a key of the scope widget; repeatable.")
def create_command(
    name: str,
    scopes: tuple[str, ...],
    expires: timedelta | None,
    rate: int,
    quota: int,
    workspace: str,
    origins: tuple[str, ...],
) -> None:
    """Make a key for a program called NAME; its token goes to stdout, once."""
    run_async(_create(read_settings(), name, scopes, expires, rate, quota, workspace, origins))


@keys_command.command("list")
def list_command() -> None:
    """Show all keys; tokens are not kept, so they are not shown."""
    run_async(_list(read_settings()))


@keys_command.command("revoke")
@click.argument("name")
def revoke_command(name: str) -> None:
    """Revoke the key that is called NAME, or has that id; a person is logged out."""
    run_async(_revoke(read_settings(), name))


@keys_command.command("invite")
@click.argument("name")
@click.option(
    "--scope", "scopes", type=_SCOPES, multiple=True, default=("verify", "lists"), help="What they may do; repeatable."
)
def invite_command(name: str, scopes: tuple[str, ...]) -> None:
    """Make a link by which a person called NAME logs in to the page; it works once, within 24 hours."""
    run_async(_invite(read_settings(), name, scopes))


async def _create(
    settings: Settings,
    name: str,
    scopes: tuple[str, ...],
    expires: timedelta | None,
    rate: int,
    quota: int,
    workspace: str,
    origins: tuple[str, ...],
) -> None:
    async with open_access(settings) as access:
        granted = await access.create(
            name,
            [Scope(scope) for scope in scopes],
            expires_at=None if expires is None else SystemClock().now() + expires,
            rate=rate,
            daily_quota=quota,
            workspace=workspace,
            origins=origins,
        )
    if origins:
        say("The publishable key follows; it is shown this once. It goes into the page, as data-key of widget.js.")
    else:
        say("The key's token follows; it is shown this once. Send it as `Authorization: Bearer …`.")
    click.echo(granted.token)


async def _list(settings: Settings) -> None:
    async with open_access(settings) as access:
        keys = await access.keys()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("id", "name", "kind", "scopes", "workspace", "a minute", "a day", "made", "holds"):
        table.add_column(heading, overflow="fold")
    for key in keys:
        table.add_row(
            key.id,
            Text(key.name),
            "person" if key.is_person else "program",
            " ".join(sorted(key.scopes)),
            key.workspace,
            str(key.rate or "any"),
            str(key.daily_quota or "any"),
            f"{key.created_at:%Y-%m-%d}",
            _holds(key),
        )
    results().print(table)


def _holds(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "yes"
    return f"until {key.expires_at:%Y-%m-%d}" if key.holds(SystemClock().now()) else "expired"


async def _revoke(settings: Settings, name: str) -> None:
    async with open_access(settings) as access:
        key = await access.revoke(name)
    if key is None:
        raise InputError(f"No key that holds is called {name}, or several are: `verifier keys list` shows their ids.")
    say(f"{key.name} ({key.id}) is revoked; a running service refuses it within two seconds.")


async def _invite(settings: Settings, name: str, scopes: tuple[str, ...]) -> None:
    async with open_access(settings) as access:
        granted = await access.invite(name, [Scope(scope) for scope in scopes])
    hours = INVITE_HOLDS.total_seconds() / 3600
    say(f"The link logs {granted.key.name} in, once, within {hours:.0f} hours:")
    click.echo(login_link(public_url_of(settings), granted.token))

"""`tamma dev`: the embedded servers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from tamma.cli import output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, json_option, server_options

if TYPE_CHECKING:
    from pathlib import Path

    from tamma.cli.shapes import Json
    from tamma.stack.interface import StackStatus

SHOWN = 200
FOLLOW_EVERY = 0.5


@click.group()
def command() -> None:
    """Start, stop and watch the embedded servers.

    They are Temporal with its Web UI, PostgreSQL, and a worker, kept under TAMMA_HOME (~/.tamma). Commands
    that need them start them, and they keep running.
    """


@command.command()
@server_options
@click.pass_obj
@asynchronous
async def start(invocation: Invocation, temporal_address: str | None, database_url: str | None) -> None:
    """Start the servers and a worker, or join those that run."""
    async with invocation.link(temporal_address, database_url, fresh_worker=True) as link:
        output.data(f"temporal  {link.client.service_client.config.target_host}")
        if link.ui_url:
            output.data(f"web UI    {link.ui_url}")


@command.command()
@click.pass_obj
@asynchronous
async def stop(invocation: Invocation) -> None:
    """Stop the servers. Open runs stay as they are and go on after the next start."""
    from tamma.stack.stack import stop_stack

    stopped = await stop_stack(invocation.load().home, invocation.progress)
    output.note("stopped" if stopped else "nothing was running")


@command.command()
@json_option
@click.pass_obj
@asynchronous
async def status(invocation: Invocation, as_json: bool) -> int:
    """Show what runs; ends with 1 where nothing does."""
    from tamma.stack.stack import stack_status

    found = await stack_status(invocation.load().home)
    if as_json:
        output.json_document(_status_json(found))
    else:
        for line in _status_lines(found):
            output.data(line)
    return 0 if found.running else 1


@command.command()
@click.option("-n", "--lines", type=click.IntRange(1), default=SHOWN, show_default=True, help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on as it grows, until Ctrl-C.")
@click.pass_obj
@asynchronous
async def logs(invocation: Invocation, lines: int, follow: bool) -> None:
    """Print the log of the servers and the worker."""
    from tamma.stack.stack import paths_of

    path = paths_of(invocation.load().home).log
    position = _print_tail(path, lines)
    while follow:
        await asyncio.sleep(FOLLOW_EVERY)
        position = _print_from(path, position)


def _print_tail(path: Path, lines: int) -> int:
    if not path.exists():
        output.note(f"no log yet at {str(path)!r}")
        return 0
    content = path.read_bytes()
    for line in content.decode(errors="replace").splitlines()[-lines:]:
        output.data(line)
    return len(content)


def _print_from(path: Path, position: int) -> int:
    if not path.exists() or path.stat().st_size == position:
        return position
    with path.open("rb") as log:
        if path.stat().st_size > position:  # else it was rotated: begin with the new one
            log.seek(position)
        for line in log.read().decode(errors="replace").splitlines():
            output.data(line)
        return log.tell()


def _status_lines(found: StackStatus) -> list[str]:
    from tamma.cli.story import duration

    if not found.running:
        told = [f"not running (home {found.home})"]
        left = ", ".join(f"{name} ({pid})" for name, pid in found.orphans.items())
        return [*told, f"left over: {left}; the next command adopts them"] if left else told
    told = [f"running for {duration(found.uptime)} (supervisor {found.supervisor_pid}, home {found.home})"]
    for service in found.services:
        pid = f"pid {service.pid}" if service.pid else ""
        again = f"started again {service.restarts}x" if service.restarts else ""
        since = duration(service.uptime) if service.uptime else ""
        words = [word for word in (pid, since, again, service.problem or "") if word]
        told.append(f"  {service.name:<10}{service.state:<10}{', '.join(words)}".rstrip())
    if found.temporal_address:
        told.append(f"  temporal  {found.temporal_address}")
    return [*told, f"  web UI    {found.ui_url}"] if found.ui_url else told


def _status_json(found: StackStatus) -> Json:
    return {
        "running": found.running,
        "home": str(found.home),
        "log": str(found.log),
        "supervisorPid": found.supervisor_pid,
        "version": found.version or None,
        "uptimeSeconds": round(found.uptime, 1),
        "temporalAddress": found.temporal_address,
        "uiUrl": found.ui_url,
        "services": [
            {
                "name": service.name,
                "state": service.state,
                "pid": service.pid,
                "uptimeSeconds": round(service.uptime, 1),
                "restarts": service.restarts,
                "problem": service.problem,
            }
            for service in found.services
        ],
        "orphans": dict(found.orphans),
    }

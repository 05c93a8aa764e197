"""`tamma agent`: looking at agents. What changes them is in `tamma/cli/agenting/changing.py`."""

from __future__ import annotations

from pathlib import Path

import click

from tamma.cli import output
from tamma.cli.agenting.changing import activate, create, delete, edit, import_, rollback
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, database_option, json_option


@click.group()
def command() -> None:
    """Keep agents: who works, with which model, and how it is told to.

    A version of an agent never changes. NAME@3 is version 3 of the agent NAME, NAME alone its active version.
    """


for each in (create, edit, activate, rollback, import_, delete):
    command.add_command(each)


@command.command(name="list")
@json_option
@database_option
@click.pass_obj
@asynchronous
async def list_them(invocation: Invocation, as_json: bool, database_url: str | None) -> None:
    """List the agents with their active versions, and how these have done."""
    from tamma.cli.agenting import performance, sheets
    from tamma.cli.agenting.opening import agents

    async with agents(invocation, database_url) as desk:
        found = await desk.configs.list()
        kept = await performance.records(desk.store, [each.agent.agent_id for each in found])
    if as_json:
        output.json_document(sheets.agents_json(found, kept))
    elif found:
        rows = [
            sheets.list_row(each, kept.get((each.agent.agent_id, each.version.number), sheets.NONE))
            for each in found
        ]
        output.table(sheets.LIST_HEADS, rows)
    else:
        output.note("there are no agents: runs use the provider and the built-in prompts")
        output.note("hint: `tamma agent create --name NAME` makes one")


@command.command()
@click.argument("agent", metavar="NAME[@N]")
@click.option("--prompt", metavar="PROMPT", help="Print the text of this prompt alone, as it is used.")
@click.option("--history", is_flag=True, help="Print who changed the agent, when and why, alone.")
@json_option
@database_option
@click.pass_obj
@asynchronous
async def show(
    invocation: Invocation,
    agent: str,
    prompt: str | None,
    history: bool,
    as_json: bool,
    database_url: str | None,
) -> None:
    """Show one version of an agent, all of its versions, and how they have done."""
    from tamma.agents.configs.prompts import effective, known_prompts
    from tamma.cli.agenting import performance, sheets
    from tamma.cli.agenting.opening import agents, all_events
    from tamma.errors import ConfigError
    from tamma.model.agent_form import nearest

    async with agents(invocation, database_url) as desk:
        found = await desk.configs.get(agent)
        versions = await desk.configs.versions(found.agent)
        kept = await performance.records(desk.store, [found.agent.agent_id])
        changes = await all_events(desk.store, found.agent.agent_id) if history else ()
    if history:
        if as_json:
            output.json_document([sheets.event_json(event) for event in changes])
        else:
            output.table(sheets.HISTORY_HEADS, [sheets.history_row(event) for event in changes])
        return
    if prompt is not None:
        if prompt not in known_prompts():
            raise ConfigError(f"there is no prompt {prompt!r}", hint=nearest(prompt, tuple(known_prompts())))
        text = effective(prompt, found.version.config.prompts)
        output.json_document({"name": prompt, "text": text}) if as_json else output.data(text)
        return
    if as_json:
        output.json_document(sheets.whole_json(found, versions, kept))
        return
    for line in sheets.config_lines(found):
        output.data(line)
    output.data()
    rows = [
        sheets.version_row(each, kept.get((found.agent.agent_id, each.number), sheets.NONE))
        for each in versions
    ]
    output.table(sheets.VERSION_HEADS, rows)


@command.command()
@click.argument("before", metavar="NAME[@N]")
@click.argument("after", metavar="[NAME[@N]]", required=False)
@json_option
@database_option
@click.pass_obj
@asynchronous
async def diff(
    invocation: Invocation, before: str, after: str | None, as_json: bool, database_url: str | None
) -> None:
    """Show what differs between two versions, of one agent or of two.

    Without the second: what the newest version has otherwise than the first; or, if that is the newest
    itself, than the one that it was made from.
    """
    from tamma.agents.configs.compare import compare
    from tamma.cli.agenting import sheets, telling
    from tamma.cli.agenting.opening import agents

    async with agents(invocation, database_url) as desk:
        old = await desk.configs.get(before)
        new = await desk.configs.get(after or f"{old.agent.agent_id}@{old.agent.latest}")
        parent = new.version.parent
        if after is None and parent is not None and new.version.number == old.version.number:
            old = await desk.configs.get(f"{new.agent.agent_id}@{parent}")
    found = compare(old.version.config, new.version.config, (old.label, new.label))
    if as_json:
        output.json_document(sheets.difference_json(old, new, found))
    elif found:
        telling.difference(found, (old.label, new.label))
    else:
        output.note(f"{old.label} and {new.label} are the same ({old.version.hash})")


@command.command()
@click.argument("agent", metavar="NAME[@N]|FOLDER")
@click.option("--contexts", is_flag=True, help="Also say which work it can do: development, review, testing.")
@json_option
@database_option
@click.pass_obj
@asynchronous
async def validate(
    invocation: Invocation, agent: str, contexts: bool, as_json: bool, database_url: str | None
) -> int:
    """Check a version, or a folder before it is imported. Asks no service.

    Ends with 2 where it cannot work here.
    """
    from tamma.agents.configs.findings import errors
    from tamma.agents.configs.folder import read_folder
    from tamma.agents.configs.manager import AgentConfigs
    from tamma.cli.agenting import sheets
    from tamma.cli.agenting.opening import agents
    from tamma.cli.agenting.surroundings import Surroundings
    from tamma.store.memory import MemoryStore

    if _is_path(agent):
        config, label = read_folder(Path(agent)).config, agent
        configs = AgentConfigs(MemoryStore(), Surroundings(invocation.load()))
    else:
        async with agents(invocation, database_url) as desk:
            found = await desk.configs.get(agent)
        config, label, configs = found.version.config, found.label, desk.configs
    findings = configs.validate(config)
    fits = configs.fits(config) if contexts else ()
    wrong = errors(findings)
    if as_json:
        output.json_document(
            {
                "agent": label,
                "valid": not wrong,
                "findings": [sheets.finding_json(each) for each in findings],
                **({"contexts": [sheets.fit_json(fit) for fit in fits]} if contexts else {}),
            }
        )
        return 2 if wrong else 0
    for line in sheets.finding_lines(findings):
        output.data(line)
    if contexts:
        output.table(sheets.FIT_HEADS, sheets.fit_rows(fits))
    output.note(f"{label} cannot work here" if wrong else f"valid: {label}")
    return 2 if wrong else 0


@command.command()
@click.argument("agent", metavar="NAME[@N]")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path), help="The folder to write.")
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@database_option
@click.pass_obj
@asynchronous
async def export(
    invocation: Invocation, agent: str, folder: Path, form: str, database_url: str | None
) -> None:
    """Write a version as files: agent.yaml, and its own prompts in prompts/."""
    from tamma.agents.configs.folder import write_folder
    from tamma.cli.agenting.opening import agents

    async with agents(invocation, database_url) as desk:
        found = await desk.configs.get(agent)
    head = f"{found.label}, {found.version.hash}"
    write_folder(
        folder, found.agent.name, found.version.config, form="json" if form == "json" else "yaml", head=head
    )
    output.note(f"{found.label} is in {str(folder)!r}")


def _is_path(text: str) -> bool:
    """Whether a folder or file is meant. A name has no slash, and a folder of the same name wants `./`."""
    return "/" in text or text in (".", "..") or text.endswith((".yaml", ".yml", ".json"))

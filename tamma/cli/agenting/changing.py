"""The commands that change agents. Every change has an author, and a reason that people will read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, database_option
from tamma.errors import ConfigError
from tamma.model.agent import TaskType

if TYPE_CHECKING:
    from tamma.agents.configs.folder import AgentFile
    from tamma.agents.configs.manager import Found
    from tamma.cli.agenting.opening import Desk
    from tamma.model.agent import AgentConfig

reason_option = click.option("--reason", help="Why; it stays with the version and in the event log.")
set_option = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    help="A field, as in context.compactAt=0.5; null: default.",
)
prompt_option = click.option(
    "--prompt",
    "prompts",
    multiple=True,
    metavar="NAME=FILE",
    help="A prompt's text. NAME= takes the built-in one.",
)


@click.command()
@click.option("--name", help="What it is called.")
@click.option(
    "--provider", help="The provider entry, or a short word such as claude.  [default: the default one]"
)
@click.option("--model", help="The model.  [default: the provider entry's own]")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    type=click.Choice([kind.value for kind in TaskType]),
    help="What it is for.",
)
@click.option("--temperature", metavar="0.0-1.0", help="For models that take one.  [default: 0.7]")
@click.option("--ab-testing/--no-ab-testing", default=None, help="Let the analysis propose A/B tests of it.")
@click.option("--threshold", metavar="5-50", help="Per cent that an improvement must reach.  [default: 10]")
@set_option
@prompt_option
@click.option("--reason", default="created", show_default=True, help="Why; it stays with the version.")
@click.option("--activate", "active", is_flag=True, help="Make it active at once.")
@click.option("--yes", is_flag=True, help="Ask nothing, take the defaults.")
@database_option
@click.pass_obj
@asynchronous
async def create(
    invocation: Invocation,
    name: str | None,
    provider: str | None,
    model: str | None,
    tasks: tuple[str, ...],
    temperature: str | None,
    ab_testing: bool | None,
    threshold: str | None,
    sets: tuple[str, ...],
    prompts: tuple[str, ...],
    reason: str,
    active: bool,
    yes: bool,
    database_url: str | None,
) -> None:
    """Make an agent. On a terminal it asks for what no flag says."""
    from tamma.agents.configs.naming import check_name
    from tamma.cli.agenting import choices, telling, wizard
    from tamma.cli.agenting.opening import agents
    from tamma.model.agent import AgentConfig
    from tamma.store.agent_changes import name_taken

    asking = output.interactive() and not yes
    if name is None and not asking:
        raise ConfigError("the agent needs a name", hint="tamma agent create --name NAME")
    answers = wizard.Answers(
        tasks=tuple(TaskType(each) for each in dict.fromkeys(tasks)) or None,
        temperature=None if temperature is None else wizard.read_temperature(temperature),
        ab_testing=ab_testing,
        threshold=None if threshold is None else wizard.read_threshold(threshold),
    )
    name = check_name(name if name is not None else await wizard.ask_text("Name of the agent:"))
    async with agents(invocation, database_url) as desk:
        if await desk.store.find_agent(name) is not None:
            raise name_taken(name)  # before all the questions
        bare = AgentConfig(provider or desk.loaded.config.providers.default, model)
        config = desk.configs.settled(choices.changed(bare, sets, prompts))
        if asking:
            answers = await wizard.ask(answers, desk.facts(config))
        config = wizard.applied(config, answers, desk.facts(config))
        made = await desk.configs.create(name, config, author=gates.person(), reason=reason)
        if active:
            await desk.configs.activate(made, author=gates.person(), reason=reason)
        telling.remarks(desk.configs.validate(config))
    output.data(f"Agent {name!r} created with ID: {made.agent.agent_id}")
    if not active:
        output.note(f"hint: it is a draft; `tamma agent activate {made.label} --reason ...` lets runs use it")


@click.command()
@click.argument("agent", metavar="NAME[@N]")
@set_option
@prompt_option
@reason_option
@database_option
@click.pass_obj
@asynchronous
async def edit(
    invocation: Invocation,
    agent: str,
    sets: tuple[str, ...],
    prompts: tuple[str, ...],
    reason: str | None,
    database_url: str | None,
) -> None:
    """Make a new version, a draft: by flags, or in $EDITOR without any. What differs is shown.

    `tamma agent show NAME --prompt system > system.md` begins with a prompt as it is.
    """
    from tamma.cli.agenting import choices, editing
    from tamma.cli.agenting.opening import agents

    by_flags = bool(sets or prompts)
    if not by_flags and not output.interactive():
        raise ConfigError(
            "nothing says what to change", hint="e.g. --set model=NAME, or --prompt system=FILE"
        )
    async with agents(invocation, database_url) as desk:
        seen = await desk.configs.get(agent)
        if by_flags:
            made = await _update(desk, seen, choices.changed(seen.version.config, sets, prompts), reason)
        else:
            async with editing.edited(seen) as config:
                made = await _update(desk, seen, config, reason)
    output.note(f"{made.label} is a draft; `tamma agent activate {made.label} --reason ...` lets runs use it")


@click.command()
@click.argument("agent", metavar="NAME@N")
@reason_option
@database_option
@click.pass_obj
@asynchronous
async def activate(invocation: Invocation, agent: str, reason: str | None, database_url: str | None) -> None:
    """Make a version the active one: new runs use it, those that are under way keep theirs."""
    from tamma.agents.configs.naming import parse_ref
    from tamma.cli.agenting import telling
    from tamma.cli.agenting.opening import agents

    async with agents(invocation, database_url) as desk:
        found = await desk.configs.get(agent)
        if parse_ref(agent).version is None:
            raise ConfigError(
                f"{agent!r} does not say which version", hint=f"the newest is {agent}@{found.agent.latest}"
            )
        if found.agent.active == found.version.number:
            output.note(f"{found.label} is active already")
            return
        reason = await _reason(reason)
        await desk.configs.activate(found, author=gates.person(), reason=reason)
        telling.remarks(desk.configs.validate(found.version.config))
    output.note(f"{found.label} is active" + _instead(found))


@click.command()
@click.argument("agent", metavar="NAME")
@click.option("--to", "number", type=click.IntRange(1), help="The version.  [default: the one active before]")
@click.option("--reason", default="", help="Why; it stays in the event log.")
@database_option
@click.pass_obj
@asynchronous
async def rollback(
    invocation: Invocation, agent: str, number: int | None, reason: str, database_url: str | None
) -> None:
    """Go back to the version that was active before."""
    from tamma.cli.agenting.opening import agents

    async with agents(invocation, database_url) as desk:
        before = await desk.configs.find_agent(agent)
        after = await desk.configs.rollback(agent, to=number, author=gates.person(), reason=reason)
    instead = f" instead of {agent}@{before.active}" if before.active else ""
    output.note(f"{after.name}@{after.active} is active{instead}")


@click.command(name="import")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--from-config", is_flag=True, help="The agents that the configuration file declares.")
@click.option("--name", help="Another name than the one in the file.")
@reason_option
@database_option
@click.pass_obj
@asynchronous
async def import_(
    invocation: Invocation,
    folder: Path | None,
    from_config: bool,
    name: str | None,
    reason: str | None,
    database_url: str | None,
) -> None:
    """Read an agent from a folder as `export` writes it: a new one, or a new version of the one of its name.

    What is the newest version already makes none.
    """
    from tamma.cli.agenting.declared import declared
    from tamma.cli.agenting.opening import agents

    if from_config == (folder is not None) or (from_config and name):
        raise click.UsageError("give a folder, or --from-config alone")
    files = () if folder is None else (_named(folder, name),)
    async with agents(invocation, database_url) as desk:
        for file in files or declared(desk.loaded):
            output.note(await _import(desk, file, reason or "imported"))


@click.command()
@click.argument("agent", metavar="NAME")
@reason_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
@click.pass_obj
@asynchronous
async def delete(
    invocation: Invocation, agent: str, reason: str | None, yes: bool, database_url: str | None
) -> None:
    """Hide an agent and free its name. Its versions stay, for runs refer to them."""
    from tamma.cli.agenting.opening import agents
    from tamma.cli.agenting.wizard import ask_whether

    async with agents(invocation, database_url) as desk:
        found = await desk.configs.find_agent(agent)
        if not yes:
            if not output.interactive():
                raise ConfigError("this takes an agent away", hint="add --yes to do it without being asked")
            if not await ask_whether(f"Delete {found.name!r} with its {found.latest} version(s)?"):
                raise click.Abort
        await desk.configs.delete(agent, author=gates.person(), reason=reason or "")
    output.note(f"{found.name!r} is deleted; `tamma agent show {found.agent_id}` still shows it")


def _named(folder: Path, name: str | None) -> AgentFile:
    from dataclasses import replace

    from tamma.agents.configs.folder import read_folder
    from tamma.agents.configs.naming import check_name

    file = read_folder(folder)
    if not (name or file.name):
        raise ConfigError(f"{str(folder)!r} names no agent", hint="add --name NAME")
    return replace(file, name=check_name(name)) if name else file


async def _update(desk: Desk, seen: Found, config: AgentConfig, reason: str | None) -> Found:
    """A new version of what was seen; what differs is shown."""
    from tamma.agents.configs.compare import compare
    from tamma.agents.configs.findings import refuse
    from tamma.cli.agenting import telling

    after = desk.configs.settled(config)
    findings = desk.configs.validate(after)
    found = compare(seen.version.config, after, (seen.label, "new"))
    if found:
        telling.difference(found, (seen.label, "new"))
        refuse(findings)  # before anybody is asked why
        reason = await _reason(reason)
    made = await desk.configs.update(seen, after, author=gates.person(), reason=reason or "")
    telling.remarks(findings)
    return made


async def _import(desk: Desk, file: AgentFile, reason: str) -> str:
    """A line on what became of it."""
    agent = await desk.store.find_agent(file.name)
    if agent is None:
        made = await desk.configs.create(file.name, file.config, author=gates.person(), reason=reason)
        return f"{made.label} is new, a draft"
    newest = await desk.configs.get(f"{file.name}@{agent.latest}")
    if newest.version.config == desk.configs.settled(file.config):
        return f"{newest.label} is just so: nothing to import"
    made = await desk.configs.update(newest, file.config, author=gates.person(), reason=reason)
    return f"{made.label} is new, a draft"


async def _reason(given: str | None) -> str:
    """Why something is done: by the flag, or asked for."""
    if given:
        return given
    if not output.interactive():
        raise ConfigError(
            "nothing says why", hint="add --reason '...': those who come after will want to know"
        )
    from tamma.cli.agenting.wizard import ask_text

    return await ask_text("Why? (for those who come after)")


def _instead(found: Found) -> str:
    return "" if found.agent.active is None else f" instead of {found.agent.name}@{found.agent.active}"

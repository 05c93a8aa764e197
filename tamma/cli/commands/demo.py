"""`tamma demo`: one real run on a small repository, from issue to merge."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamma.cli import gates, output
from tamma.cli.invocation import Invocation
from tamma.cli.options import asynchronous, server_options
from tamma.errors import TammaError

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.config.load import LoadedConfig
    from tamma.demo.repository import DemoRepository
    from tamma.model.task import TaskView

SCRIPTED = "scripted"
LOCAL = "local-llm"
CLAUDE = "anthropic-claude"


@click.command()
@click.option("--provider", help="Let this provider do the work instead of the script.")
@click.option("--model", help="Its model.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to make the repository; it stays there.  [default: a temporary folder]",
)
@click.option("--keep", is_flag=True, help="Keep the temporary folder.")
@server_options
@click.pass_obj
@asynchronous
async def command(
    invocation: Invocation,
    provider: str | None,
    model: str | None,
    folder: Path | None,
    keep: bool,
    temporal_address: str | None,
    database_url: str | None,
) -> int:
    """See one run from issue to merge on a small repository with a real bug.

    Servers, sandbox, tests and git are real. Without --provider the model's turns are scripted, unless you
    say yes to your own key or local model. Ends with 0 only if the bug was there before and is gone after.
    """
    plain = invocation.load(temporal_address, database_url)
    provider, model = (provider, model) if provider else await _choose(plain)
    place = folder or Path(tempfile.mkdtemp(prefix="tamma-demo-"))
    done = False
    try:
        done = await _run(invocation, place, provider, model, temporal_address, database_url)
    finally:
        if done and folder is None and not keep:
            shutil.rmtree(place, ignore_errors=True)
        else:
            output.note(f"the repository is in {str(place / 'billsplit')!r}")
    return 0 if done else 1


async def _run(
    invocation: Invocation,
    place: Path,
    provider: str,
    model: str | None,
    temporal_address: str | None,
    database_url: str | None,
) -> bool:
    from tamma.cli import demo_words as words
    from tamma.cli.ordering import Wishes, order
    from tamma.cli.reference import IssueName
    from tamma.demo import repository as demo
    from tamma.model.references import PLAIN_GIT, RepoRef

    repository = demo.make(place)
    words.say_repository(repository)
    _show_red(repository)
    wishes = Wishes(provider=provider, model=model)
    loaded = invocation.load(temporal_address, database_url, flags=wishes.flags())
    name = IssueName(
        RepoRef(PLAIN_GIT, "", str(repository.path.resolve())), repository.issue.stem, str(repository.issue)
    )
    request = order(name, repository.issue.read_text(encoding="utf-8"), wishes, loaded, gates.person())
    words.say_who(provider, request.agent.model, scripted=provider == SCRIPTED)
    async with invocation.link(loaded=loaded, fresh_worker=True) as link:
        from tamma.cli.following import follow_for_people
        from tamma.temporal import run_index, runs

        started = await runs.start_run(link.client, request, name.workflow_id)
        record = await run_index.describe(link.client, started.workflow_id, started.run_id or None)
        view = await follow_for_people(link, record, may_wait=False)
        return _show_green(link, repository, view)


def _show_red(repository: DemoRepository) -> None:
    """Run the issue's command and the tests: the bug must be there, unnoticed."""
    from tamma.cli import demo_words as words
    from tamma.demo import repository as demo

    before, tests = demo.prove(repository), demo.run_tests(repository)
    words.say_before(before, tests)
    if before.adds_up or not tests.green:
        raise TammaError(
            "the demo's repository does not have its bug", hint="this is a fault in tamma: please report it"
        )


def _show_green(link: Link, repository: DemoRepository, view: TaskView) -> bool:
    """Run them again on what was merged; whether the bug is gone."""
    from tamma.cli import demo_words as words
    from tamma.demo import repository as demo
    from tamma.model.task import TaskStatus

    if view.status is not TaskStatus.COMPLETED or not view.merge_sha:
        output.note(f"the run did not complete: it is {view.status.value}")
        output.note(f"hint: `tamma inspect {view.task_id}` shows what happened")
        return False
    after, tests = demo.prove(repository), demo.run_tests(repository)
    words.say_after(demo.merged_log(repository), demo.merged_diff(repository), after, tests)
    words.say_next(view, link.ui_url)
    return after.adds_up and tests.green


async def _choose(loaded: LoadedConfig) -> tuple[str, str | None]:
    """Offer the person's own key or local model; the script where there is neither, or nobody to ask."""
    if not output.interactive():
        return SCRIPTED, None
    from tamma.cli import demo_choice as choice

    if choice.has_key(loaded, CLAUDE) and click.confirm(
        "ANTHROPIC_API_KEY is set. Let Claude do the work (a few cents)?", default=False, err=True
    ):
        return CLAUDE, None
    local = await choice.local_model(loaded, LOCAL)
    if local and click.confirm(
        f"A local model answers: {local}. Let it do the work?", default=False, err=True
    ):
        return LOCAL, local
    return SCRIPTED, None

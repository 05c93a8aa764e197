"""The `tamma` command: its global options, its lazily loaded commands, its exit codes.

Exit codes: 0 ok, 1 error, 2 configuration or usage, 4 authentication, 130 interrupted. Data goes to standard
output, everything else to standard error.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from tamma import __version__
from tamma.cli.invocation import Invocation
from tamma.errors import TammaError

_SECTIONS: dict[str, dict[str, str]] = {
    "Start": {
        "demo": "See it work on a small repository, without any key.",
        "submit": "Hand in an issue; get a tested, merged change.",
        "select": "Take a repository's issues by label, by themselves.",
    },
    "Look": {
        "watch": "Follow a run live.",
        "status": "Show where a run stands.",
        "list": "List runs.",
        "logs": "Print what a run did, step by step.",
        "inspect": "Read a run step by step: words, calls, cost, diffs.",
        "patch": "Print the patch of a run that pushes nothing.",
    },
    "Take part": {
        "approve": "Say yes or no where a run waits for you.",
        "answer": "Answer what a run asks about its issue.",
        "steer": "Say something to the agent.",
        "wake": "Have runs look at their platform now.",
        "finish": "Have the agent end its stage with what there is.",
        "pause": "Stop a run at its next step, keeping everything.",
        "resume": "Let a paused run go on.",
        "retry": "Go on with a run that failed or stands still, from there.",
        "fork": "Go another way from a step of a run.",
        "cancel": "End a run; branch, diff and summary stay.",
        "budget": "Limit what runs spend; give one more money, turns or hours.",
        "rate": "Say how good a run's work was.",
    },
    "Improve": {
        "agent": "Keep agents: configurations in versions.",
        "bench": "Try agents on tasks with known answers, and compare them.",
        "ab": "Test whether a change of an agent is better.",
        "perf": "Say how agents do, what changed, and what is worth testing.",
    },
    "Operate": {
        "providers": "List, show and test the AI providers.",
        "platforms": "List, detect and test the Git platforms.",
        "config": "Show, check and locate the configuration.",
        "db": "Migrate the database.",
        "dev": "Start, stop and watch the embedded servers.",
        "worker": "Run a worker in the foreground.",
    },
}
COMMANDS: dict[str, str] = {name: brief for section in _SECTIONS.values() for name, brief in section.items()}
"""Every command and its one-line help, here so that `--help` loads none of them."""

_MODULES = {"list": "list_runs"}
"""Commands whose module has another name than they have."""


class LazyGroup(click.Group):
    """A group that imports a command's module when it is used, and not for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"tamma.cli.commands.{_MODULES.get(cmd_name, cmd_name)}")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, commands in _SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()), col_max=12)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)


_EPILOG = """\b
Examples:
  tamma demo
  tamma submit owner/repo#12 --watch
  tamma submit ./repo --issue bug.md --approve plan --watch"""


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.option(
    "--mode",
    type=click.Choice(["standalone", "orchestrator", "worker"]),
    help="What this process is: standalone keeps its own servers and worker.  [default: standalone]",
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration file.  [default: ~/.tamma/config.json]",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__, "--version", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, mode: str | None, config_path: Path | None, verbose: bool, debug: bool) -> None:
    """Take an issue, bring home a merged, tested change."""
    ctx.obj = Invocation(mode=mode, config_path=config_path, verbose=verbose, debug=debug)
    if ctx.invoked_subcommand is not None:
        return
    if mode in ("orchestrator", "worker"):
        from tamma.cli.commands.worker import command

        ctx.invoke(command)
        return
    click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are told on standard error."""
    debug = "--debug" in arguments or os.environ.get("TAMMA_DEBUG", "").lower() in ("1", "true", "yes")
    try:
        result = cli.main(args=list(arguments), prog_name="tamma", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        return _misused(error)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return 130
    except (BrokenPipeError, SystemExit):
        return _reader_left()  # click itself exits on a broken pipe, and on nothing else here
    except TammaError as error:
        if debug:
            _traceback()
        _say(f"error: {error}")
        if error.hint:
            _say(f"hint: {error.hint}")
        return error.exit_code
    except Exception as error:  # the last resort: a bug of ours, told as one
        if debug:
            _traceback()
        _say(f"error: unexpected {type(error).__name__}: {error}")
        _say("hint: this is a fault in tamma; run again with `tamma --debug ...` and report the traceback")
        return 1
    return result if isinstance(result, int) else 0


def main() -> NoReturn:
    """The entry point. Leaves by `os._exit`: Temporal's runtime can abort a process at interpreter exit."""
    # Pydantic looks for plugins in every installed distribution: a quarter of a quick command's time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Imports make objects that stay; looking through them again and again takes 5 % of a submission.
    gc.set_threshold(100_000, 50, 50)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no dashes still gets its answer
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = _reader_left()
    os._exit(code)


def _misused(error: click.ClickException) -> int:
    """A command line that cannot be understood: what is wrong and where help is."""
    _say(f"error: {error.format_message()}")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        _say(f"hint: {error.ctx.command_path} --help")
    return 2


def _say(line: str) -> None:
    from tamma.cli import output
    from tamma.telemetry.redaction import redact_text

    output.note(redact_text(line))


def _traceback() -> None:
    import traceback

    traceback.print_exc()


def _reader_left() -> int:
    """`tamma logs … | head`: the reader has all it wanted, which is no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


if __name__ == "__main__":
    main()
